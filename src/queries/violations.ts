import { type FaultRow, faultsTable, totalsKey, totalsTable } from '../../projections/violations.ts';
import { type InvariantId, invariantIds } from '../ledger/invariants.ts';
import type { Projector } from '../projector/projector.ts';

/** `fail` for violations, `unproven` for what kept history does not prove. */
export type FaultStatus = 'fail' | 'unproven';

export type Fault = FaultRow & { readonly execution_id: string; readonly invariant: InvariantId };

export type FaultPage = {
  readonly faults: readonly Fault[];
  /** All that match. */
  readonly total: number;
  /** Over how much the invariants were checked. */
  readonly checked: { readonly runs: number; readonly events: number };
  /** Runs by invariant. */
  readonly counts: Readonly<Record<InvariantId, Readonly<Record<FaultStatus, number>>>>;
};

export type FaultQuery = {
  readonly status: FaultStatus;
  readonly invariant: InvariantId | undefined;
  readonly limit: number;
  readonly offset: number;
};

/** What runs break or do not prove, by invariant, then by run; all of it of one commit. */
export function readFaults(
  projector: Projector,
  { status, invariant, limit, offset }: FaultQuery,
): FaultPage {
  const reader = projector.reader('violations');
  const rangeOf = (of: FaultStatus, id: InvariantId | undefined) => {
    const number = id === undefined ? 0 : invariantIds.indexOf(id) + 1;
    return id === undefined
      ? { start: [of], end: [of, Number.MAX_SAFE_INTEGER] }
      : { start: [of, number], end: [of, number + 1] };
  };
  const countOf = (of: FaultStatus, id: InvariantId): number => reader.count(faultsTable, rangeOf(of, id));
  const rows = reader.range(faultsTable, { ...rangeOf(status, invariant), limit, offset });
  const faults = Array.from(rows, ({ key, row }) => {
    const [, number, id] = Array.isArray(key) ? key : [];
    return { execution_id: String(id), invariant: invariantIds[Number(number) - 1] ?? 'I1', ...row };
  });
  return {
    faults,
    total: reader.count(faultsTable, rangeOf(status, invariant)),
    checked: reader.get(totalsTable, totalsKey) ?? { runs: 0, events: 0 },
    counts: Object.fromEntries(
      invariantIds.map((id) => [id, { fail: countOf('fail', id), unproven: countOf('unproven', id) }]),
    ) as FaultPage['counts'],
  };
}
