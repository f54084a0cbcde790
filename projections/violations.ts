import { z } from 'zod';
import { catalogued } from '../src/events/catalogue.ts';
import type { LedgerEvent } from '../src/events/envelope.ts';
import { upcastType } from '../src/events/upcast.ts';
import { createInvariantCheck, invariantIds, type SavedCheck } from '../src/ledger/invariants.ts';
import type { CheckedEvent, PolicyOf, PolicyReference } from '../src/ledger/invariant-state.ts';
import { publicationIn } from '../src/ledger/policy-publication.ts';
import {
  jsonTable,
  type ProjectedEvent,
  type Projection,
  type Table,
  type View,
} from '../src/projector/projection.ts';
import { executionIdOf } from '../src/run/record.ts';

/** By execution id: the check to go on from. */
export const checksTable: Table<SavedCheck> = jsonTable(
  'checks',
  z.custom<SavedCheck>((value) => typeof value === 'object' && value !== null),
);

const publication = z.strictObject({ law_lists: z.array(z.string()).nullable() });
/** By [policy id, version, sha256]: what was published so far. */
export const publicationsTable: Table<z.infer<typeof publication>> = jsonTable('publications', publication);

const fault = z.strictObject({
  offending: z.array(z.int().min(1)),
  offences: z.int().min(0),
  unproven: z.array(z.int().min(1)),
  unproven_items: z.int().min(0),
  detail: z.string(),
});
export type FaultRow = z.infer<typeof fault>;
/** By [status, number of the invariant, execution id]: what a run breaks (`fail`) or does not prove (`unproven`). */
export const faultsTable: Table<FaultRow> = jsonTable('faults', fault);

const totals = z.strictObject({
  runs: z.int().min(0),
  /** Of runs. */
  events: z.int().min(0),
});
/** One row, under {@link totalsKey}: over how much the invariants were checked. */
export const totalsTable: Table<z.infer<typeof totals>> = jsonTable('totals', totals);
export const totalsKey = 'all';

/** The invariants I1–I10 of every run, checked as its events arrive. */
export default function violations(): Projection {
  return {
    name: 'violations',
    version: '1',
    tables: [checksTable, publicationsTable, faultsTable, totalsTable],
    handle(events, view) {
      const checks = new Map<string, Checked>();
      for (const projected of events) {
        const id = executionIdOf(projected.stream);
        if (id === undefined) publish(projected.event, view);
        else see(checks, id, projected, view);
      }
      if (checks.size === 0) return;
      const sum = { ...(view.get(totalsTable, totalsKey) ?? { runs: 0, events: 0 }) };
      for (const [id, { check, before }] of checks) {
        const saved = check.state();
        sum.runs += before === undefined ? 1 : 0;
        sum.events += saved.state.events - (before?.state.events ?? 0);
        view.put(checksTable, id, saved);
        replaceFaults(id, check, view);
      }
      view.put(totalsTable, totalsKey, sum);
    },
  };
}

type Checked = {
  readonly check: ReturnType<typeof createInvariantCheck>;
  /** As it was before these events. */
  readonly before: SavedCheck | undefined;
};

function publish({ core, payload }: LedgerEvent, view: View): void {
  const published = publicationIn(core, payload);
  if (published === undefined) return;
  const { id, version, sha256, lawLists } = published;
  view.put(publicationsTable, [id, version, sha256], {
    law_lists: lawLists === undefined ? null : [...lawLists],
  });
}

function see(checks: Map<string, Checked>, id: string, projected: ProjectedEvent, view: View): void {
  const { event, hash } = projected;
  const known = checks.get(id);
  const before = known === undefined ? view.get(checksTable, id) : known.before;
  // A stream that is told from its beginning again (content_erased) is checked anew.
  const checked =
    known !== undefined && event.core.seq !== 1
      ? known
      : { check: checkFrom(event.core.seq === 1 ? undefined : before, view), before };
  checks.set(id, checked);
  const payload: CheckedEvent['payload'] = event.erased
    ? 'erased'
    : event.payload === null
      ? 'none'
      : 'opens';
  // The log is told in its order, so a place that goes back shows as a number that goes back.
  checked.check.see({ core: event.core, hash, payload, follows: true });
}

function checkFrom(saved: SavedCheck | undefined, view: View): Checked['check'] {
  // Whatever stands in the table was published before the event that is being handled.
  const policyOf: PolicyOf = (reference: PolicyReference) => {
    const row = view.get(publicationsTable, [reference.id, reference.version, reference.sha256]);
    return row === undefined
      ? { isPublished: false }
      : { isPublished: true, lawLists: row.law_lists ?? undefined };
  };
  return createInvariantCheck({ attributesOf: (type) => catalogued(upcastType(type)), policyOf }, saved);
}

function replaceFaults(executionId: string, check: Checked['check'], view: View): void {
  for (const result of check.report()) {
    const number = invariantIds.indexOf(result.id) + 1;
    const { offending, offences, unproven, unproven_items, detail } = result;
    for (const status of ['fail', 'unproven'] as const) {
      const key = [status, number, executionId];
      if (result.status === status)
        view.put(faultsTable, key, {
          offending: [...offending],
          offences,
          unproven: [...unproven],
          unproven_items,
          detail,
        });
      else if (view.get(faultsTable, key) !== undefined) view.remove(faultsTable, key);
    }
  }
}
