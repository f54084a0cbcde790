import { bundledGuard, bundledLawJudge, bundledVision } from '../safety/bundled-models.ts';
import { bundledPolicy } from '../safety/bundled-policy.ts';
import { print } from './output.ts';

/**
 * Prints a policy to begin with: the bundled one under a name of the house's own, with every model that can be asked, the
 * one that looks at pictures too. `RUNLEDGER_POLICY` then names the edited file.
 */
export function printPolicy(): void {
  const document = {
    ...bundledPolicy,
    id: 'house',
    version: 1,
    checker: bundledGuard,
    law_checker: bundledLawJudge,
    vision: bundledVision,
  };
  print(JSON.stringify(document, null, 2));
}
