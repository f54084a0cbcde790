import type { Entry, Reader, RowKey, RowRange, Table, View } from './projection.ts';
import { checkKey, compareRowKeys, identityOf, inRange } from './row-key.ts';

/** A row as it will be stored; no text: the row goes. */
export type RowWrite = { readonly table: Table; readonly key: RowKey; readonly text: string | undefined };

/** A change of a row, as a watcher sees it after the commit. */
export type RowChange = { readonly key: RowKey; readonly row: unknown };

export type Overlay = View & {
  /** Everything written, serialised. Throws for a row that JSON cannot carry: nothing after this may throw. */
  readonly seal: () => RowWrite[];
  /** What was written to one table; `row` is undefined where it was removed. */
  readonly changes: (table: Table) => Iterable<RowChange>;
};

/**
 * A write buffer over the committed rows: `handle` runs against it synchronously, and it is thrown away as a whole when
 * `handle` throws, because LMDB's own asynchronous transaction would not roll back.
 */
export function createOverlay(committed: Reader): Overlay {
  const written = new Map<string, Map<string | number, RowChange & { readonly table: Table }>>();
  const of = (table: Table): Map<string | number, RowChange & { readonly table: Table }> => {
    let rows = written.get(table.name);
    if (rows === undefined) written.set(table.name, (rows = new Map()));
    return rows;
  };
  const write = (table: Table, key: RowKey, row: unknown): void => {
    checkKey(key);
    of(table).set(identityOf(key), { table, key, row });
  };

  return {
    get<Row>(table: Table<Row>, key: RowKey): Row | undefined {
      const change = written.get(table.name)?.get(identityOf(key));
      return change === undefined ? committed.get(table, key) : (change.row as Row | undefined);
    },
    put: write,
    remove: (table, key) => write(table, key, undefined),
    *range<Row>(table: Table<Row>, range: Omit<RowRange, 'offset'>): Iterable<Entry<Row>> {
      const changes = [...of(table).values()].filter(({ key }) => inRange(key, range));
      yield* mergedRange(committed, table, range, changes);
    },
    seal(): RowWrite[] {
      const writes: RowWrite[] = [];
      for (const rows of written.values()) {
        for (const { table, key, row } of rows.values())
          writes.push({ table, key, text: textOf(table, row) });
      }
      return writes;
    },
    changes: (table) => written.get(table.name)?.values() ?? [],
  };
}

/** Committed rows and changes as one ordered range; a change hides the row under it. */
function* mergedRange<Row>(
  committed: Reader,
  table: Table<Row>,
  range: Omit<RowRange, 'offset'>,
  changes: readonly RowChange[],
): Iterable<Entry<Row>> {
  const { limit = Number.POSITIVE_INFINITY, ...bounds } = range;
  const sign = range.reverse === true ? -1 : 1;
  const ordered = [...changes].sort((a, b) => compareRowKeys(a.key, b.key) * sign);
  let next = 0;
  let count = 0;
  function* changesUpTo(key: RowKey | undefined): Iterable<Entry<Row>> {
    for (let change = ordered[next]; change !== undefined; change = ordered[++next]) {
      if (key !== undefined && compareRowKeys(change.key, key) * sign > 0) return;
      if (change.row !== undefined) yield { key: change.key, row: change.row as Row };
    }
  }
  const hidden = new Set(ordered.map(({ key }) => identityOf(key)));
  for (const entry of committed.range(table, bounds)) {
    for (const change of changesUpTo(entry.key)) {
      if (count++ >= limit) return;
      yield change;
    }
    if (hidden.has(identityOf(entry.key))) continue;
    if (count++ >= limit) return;
    yield entry;
  }
  for (const change of changesUpTo(undefined)) {
    if (count++ >= limit) return;
    yield change;
  }
}

function textOf(table: Table, row: unknown): string | undefined {
  if (row === undefined) return undefined;
  const text = table.encoding === 'text' ? row : JSON.stringify(row);
  // An empty value cannot be told from no value when it is read back.
  if (typeof text !== 'string' || text === '')
    throw new TypeError(`a row of table ${table.name} is no ${table.encoding}`);
  return text;
}
