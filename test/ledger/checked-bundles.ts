import type { Bundle } from '../../src/ledger/bundle.ts';
import { makeBundle } from '../../src/ledger/make-bundle.ts';
import type { Verdict } from '../../src/ledger/verdict.ts';
import { idOf, policy, policyDocument, type RunItem, stream } from './checked-runs.ts';
import { type Drafted, smallLedger } from './small-ledger.ts';

/** The items as a run of a signed log, in which the policy that they name was published before. */
export function bundleOf(items: readonly RunItem[]): Bundle {
  const ledger = smallLedger();
  ledger.add('policy-house', {
    item_type: 'policy_published',
    metadata: { policy_id: policy.id, version: 3, sha256: policy.sha256, document: policyDocument },
  });
  ledger.add(stream, ...items.map(drafted));
  return makeBundle(ledger.partsOf(stream));
}

function drafted({ by, ...item }: RunItem, index: number): Drafted {
  return { ...item, id: idOf(index + 1), ...(by === undefined ? {} : { actor: by }) };
}

/** The rules that do not hold, in short: `{I4: [3], I8: {unproven: []}}`. */
export const rulesIn = ({ invariants = [] }: Verdict): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    invariants
      .filter(({ status }) => status !== 'pass')
      .map(({ id, status, sequence_numbers: items }) => [
        id,
        status === 'fail' ? items : { unproven: items },
      ]),
  );
