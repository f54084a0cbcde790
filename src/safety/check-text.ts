import type { DecisionRecord, SafetyLevel } from '../events/decision.ts';
import type { Usage } from '../events/usage.ts';
import type { ContextChecker } from './context-check.ts';
import { decided } from './decided.ts';
import { evidenceOf } from './evidence.ts';
import type { Judged } from './judged.ts';
import type { ActivePolicy } from './policy.ts';

/** One text to be judged, and where in the run it stands. */
export type TextCheck = {
  readonly text: string;
  /** BCP 47, where it is known. */
  readonly language: string | undefined;
  readonly role: DecisionRecord['checked']['role'];
  readonly checkPoint: DecisionRecord['check_point'];
  readonly level: SafetyLevel;
  readonly levelSetBy: DecisionRecord['level_set_by'];
  /** The text that the generation will use, where that is known already. */
  readonly generatedFrom?: string | undefined;
};

export type CheckPorts = {
  readonly policy: ActivePolicy;
  readonly contextCheck: ContextChecker;
  /** An HMAC of a text under the deployment's key, 43 characters of base64url. */
  readonly commitText: (text: string) => string;
  /** Monotonic seconds. */
  readonly clock: () => number;
};

/** The refusal that follows from a decision. */
export type Refusal = {
  readonly reason: string;
  /** The policy's categories, and a model's or provider's codes as `taxonomy:version/code`. */
  readonly codes: readonly string[];
  /** The terms it rests on; payload. */
  readonly terms: readonly string[];
  /** What the person reads; payload. */
  readonly message: string;
};

/** What one configured check ended in. */
export type CheckedText = {
  /** The full decision record, then found terms, spans, checked text and raw verdict. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly record: DecisionRecord;
  /** What answered, from the answer; null where nothing was asked, or nothing answered. */
  readonly model: string | null;
  readonly backend: string | null;
  readonly executionSeconds: number;
  /** Of the model call, where one was made and told it: for `usage_recorded`. */
  readonly usage?: Usage | undefined;
  readonly modelDigest?: string | undefined;
  readonly tries?: number | undefined;
  /** Null where the text may go on. */
  readonly refusal: Refusal | null;
};

/**
 * Judges a text: the fast filter over the lists of the level, then, for hits to be reviewed, the context check
 * (domain.md §5). A hit that the policy blocks at once asks no model. Never throws for a checker that failed: that is a
 * decision too. Throws the signal's reason once aborted.
 */
export async function checkText(
  check: TextCheck,
  ports: CheckPorts,
  signal: AbortSignal,
): Promise<CheckedText> {
  const started = ports.clock();
  const judged = judgedText(check, ports);
  const evidence = await evidenceOf(judged, { always: false }, ports, signal);
  return decided(judged, evidence, ports.policy, ports.clock() - started);
}

/** A text as what a decision is about. */
export function judgedText(check: TextCheck, { commitText }: Pick<CheckPorts, 'commitText'>): Judged {
  const { text, language, role, checkPoint, level, levelSetBy, generatedFrom } = check;
  return {
    text,
    language,
    checkPoint,
    level,
    levelSetBy,
    checked: {
      commitment: commitText(text),
      chars: Array.from(text).length,
      ...(language === undefined ? {} : { lang: language }),
      role,
    },
    ...(generatedFrom === undefined ? {} : { generatedFrom: commitText(generatedFrom) }),
  };
}
