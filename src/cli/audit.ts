import type { Client } from './client.ts';
import { exitCodes } from './exit-codes.ts';
import { jsonOf, print, table } from './output.ts';

/** What the service says of one run. */
type RunTold = {
  readonly execution_id: string;
  readonly items: number;
  readonly invariants: readonly {
    readonly id: string;
    readonly status: 'pass' | 'fail' | 'unproven';
    readonly offending: readonly number[];
    readonly unproven: readonly number[];
    readonly detail: string;
  }[];
};

type FaultTold = {
  readonly execution_id: string;
  readonly invariant: string;
  readonly offending: readonly number[];
  readonly unproven: readonly number[];
  readonly detail: string;
};
type PageTold = {
  readonly as_of: string | null;
  readonly complete: boolean;
  readonly checked: { readonly runs: number; readonly events: number };
  readonly invariants: readonly unknown[];
  readonly violations: readonly FaultTold[];
  readonly total: number;
};

const pageSize = 1_000;

/**
 * `runledger audit [ID…]`: checks the invariants I1–I10, of the runs that are named out of their streams, of all runs
 * out of the read model. Returns `faults` where any is broken; what is merely unproven is told and is no violation.
 */
export function auditRuns(client: Client, ids: readonly string[], json: boolean): Promise<number> {
  return ids.length === 0 ? auditAll(client, json) : auditNamed(client, ids, json);
}

async function auditNamed(client: Client, ids: readonly string[], json: boolean): Promise<number> {
  const runs: RunTold[] = [];
  for (const id of ids)
    runs.push(
      jsonOf(await client.request('GET', `/api/runs/${encodeURIComponent(id)}/invariants`)) as RunTold,
    );
  if (json) print(JSON.stringify({ runs }));
  else for (const run of runs) tellRun(run);
  const isBroken = runs.some(({ invariants }) => invariants.some(({ status }) => status === 'fail'));
  return isBroken ? exitCodes.faults : exitCodes.done;
}

function tellRun({ execution_id: id, items, invariants }: RunTold): void {
  print(`${id}  ${items} items`);
  print(
    table(
      invariants.map(({ id: invariant, status, offending, unproven, detail }) => [
        invariant,
        status,
        numbers(status === 'fail' ? offending : unproven),
        detail,
      ]),
    ),
  );
}

async function auditAll(client: Client, json: boolean): Promise<number> {
  const broken = await readAll(client, 'fail');
  const unproven = await readAll(client, 'unproven');
  const { as_of, complete, checked } = broken;
  if (json) {
    const { invariants, violations } = broken;
    print(
      JSON.stringify({ as_of, complete, checked, invariants, violations, unproven: unproven.violations }),
    );
  } else {
    const rows = [
      ...broken.violations.map((fault) => rowOf('fail', fault, fault.offending)),
      ...unproven.violations.map((fault) => rowOf('unproven', fault, fault.unproven)),
    ];
    if (rows.length > 0) print(table(rows));
    const behind = complete ? '' : '; the log has more that was not checked yet';
    print(
      `${checked.runs} runs with ${checked.events} events: ${broken.total} violations, ${unproven.total} unproven${behind}`,
    );
  }
  return broken.total > 0 ? exitCodes.faults : exitCodes.done;
}

const rowOf = (status: string, fault: FaultTold, seqs: readonly number[]): readonly string[] => [
  fault.execution_id,
  fault.invariant,
  status,
  numbers(seqs),
  fault.detail,
];

/** All pages; what is recorded meanwhile may or may not be in them. */
async function readAll(client: Client, status: 'fail' | 'unproven'): Promise<PageTold> {
  const violations: FaultTold[] = [];
  for (;;) {
    const query = `status=${status}&limit=${pageSize}&offset=${violations.length}`;
    const page = jsonOf(await client.request('GET', `/api/audit/violations?${query}`)) as PageTold;
    violations.push(...page.violations);
    if (page.violations.length < pageSize) return { ...page, violations };
  }
}

/** More than a line holds stand in `--json`. */
const maxShown = 8;
const numbers = (seqs: readonly number[]): string =>
  seqs.length === 0 ? '–' : seqs.slice(0, maxShown).join(',') + (seqs.length > maxShown ? ',…' : '');
