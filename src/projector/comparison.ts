import type { EventStore, Position } from '../event-store/port.ts';
import { arrivalOf, type KeyOf } from './arrival.ts';
import { batchesOf } from './batches.ts';
import { type Environment, openEnvironment } from './environment.ts';
import { type Instance, stepOf } from './instance.ts';
import type { Entry, Projection, Reader, RowKey, Table } from './projection.ts';
import { compareRowKeys } from './row-key.ts';
import { newBuild } from './startup.ts';

/** A row that the log would give another value; a text is the row as JSON, null where there is none. */
export type Difference = {
  readonly projection: string;
  readonly table: string;
  readonly key: RowKey;
  readonly live: string | null;
  readonly rebuilt: string | null;
  /** What is wrong with the live row itself, where its form is not the table's. */
  readonly shape?: string;
};

export type ComparisonOptions = {
  /** The projections' directory; nobody else may have it open. */
  readonly directory: string;
  /** An empty directory on the same kind of disk, of about the same size in the end; the caller removes it. */
  readonly scratchDirectory: string;
  readonly store: Pick<EventStore, 'storeId' | 'compare' | 'subscribeAll'>;
  readonly projections: readonly Projection[];
  readonly keyOf: KeyOf;
  /** Differences beyond this are not looked for. */
  readonly maxDifferences: number;
};

/**
 * Builds the projections anew from the log, each up to where the live one is, and compares them row by row. A projection
 * that serves nothing yet is left out. None is the answer of a sound directory.
 */
export async function compareWithRebuild(options: ComparisonOptions): Promise<Difference[]> {
  const live = openEnvironment(options.directory);
  const scratch = openEnvironment(options.scratchDirectory);
  try {
    const differences: Difference[] = [];
    for (const projection of options.projections) {
      const checkpoint = live.checkpoint(projection.name, 'live');
      if (checkpoint === undefined || checkpoint.version !== projection.version) continue;
      const tables = live.tables(projection, checkpoint.generation);
      const rebuilt = await rebuildUpTo(scratch, projection, checkpoint.last?.position, options);
      for (const table of projection.tables) {
        const room = options.maxDifferences - differences.length;
        if (room <= 0) return differences;
        for (const difference of differencesOf(
          projection.name,
          table,
          tables.latest,
          rebuilt.tables.latest,
        )) {
          differences.push(difference);
          if (differences.length >= options.maxDifferences) return differences;
        }
      }
    }
    return differences;
  } finally {
    await live.close();
    await scratch.close();
  }
}

async function rebuildUpTo(
  scratch: Environment,
  projection: Projection,
  end: Position | undefined,
  { store, keyOf }: ComparisonOptions,
): Promise<Instance> {
  let instance = await newBuild(scratch, projection, store.storeId);
  if (end === undefined) return instance;
  const left = new AbortController();
  const deliveries = store.subscribeAll({ from: 'start', signal: left.signal });
  for await (const { arrivals, caughtUp } of batchesOf(
    deliveries,
    (stored) => arrivalOf(stored, keyOf),
    () => left.abort(),
  )) {
    const due = arrivals.filter(({ position }) => store.compare(position, end) <= 0);
    const { writes, after } = stepOf(instance, due, store);
    if (after.stopped !== undefined) throw after.stopped.error;
    await scratch.commit((rows) => {
      for (const write of writes) instance.tables.store(write);
      rows.put(projection.name, 'building', after.checkpoint);
    }, false);
    instance = after;
    if (caughtUp || due.length < arrivals.length) break;
  }
  return instance;
}

/** Both tables in the order of their keys, side by side. */
function* differencesOf(name: string, table: Table, live: Reader, rebuilt: Reader): Iterable<Difference> {
  const left = live.range(table)[Symbol.iterator]();
  const right = rebuilt.range(table)[Symbol.iterator]();
  let a = next(left);
  let b = next(right);
  while (a !== undefined || b !== undefined) {
    const order = a === undefined ? 1 : b === undefined ? -1 : compareRowKeys(a.key, b.key);
    const here = order <= 0 ? a : undefined;
    const there = order >= 0 ? b : undefined;
    const texts = { live: textOf(here), rebuilt: textOf(there) };
    const shape = here === undefined ? undefined : table.row.safeParse(here.row).error?.message;
    const key = here?.key ?? there?.key;
    if (key !== undefined && (texts.live !== texts.rebuilt || shape !== undefined)) {
      yield { projection: name, table: table.name, key, ...texts, ...(shape === undefined ? {} : { shape }) };
    }
    if (order <= 0) a = next(left);
    if (order >= 0) b = next(right);
  }
}

function next(iterator: Iterator<Entry<unknown>>): Entry<unknown> | undefined {
  const step = iterator.next();
  return step.done === true ? undefined : step.value;
}

const textOf = (entry: Entry<unknown> | undefined): string | null =>
  entry === undefined ? null : JSON.stringify(entry.row);
