import type { CheckedText, CheckPorts, TextCheck } from './check-text.ts';

export function providerDecision(
  _check: TextCheck,
  refusal: {
    readonly backend: string;
    readonly model: string | null;
    readonly reasons: readonly string[];
    readonly raw: string | undefined;
    readonly executionSeconds: number;
  },
  _ports: CheckPorts,
): CheckedText {
  throw new Error(`not merged ${refusal.backend}`);
}
