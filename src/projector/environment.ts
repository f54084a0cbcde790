import { join } from 'node:path';
import { type Database, open, type RootDatabase, type Transaction } from 'lmdb';
import { type Checkpoint, checkpointSchema, type Role } from './checkpoint.ts';
import { commitFailure } from './commit-failure.ts';
import type { RowWrite } from './overlay.ts';
import type { Entry, Projection, Reader, RowKey, RowRange, Table } from './projection.ts';
import { toLmdbKey } from './row-key.ts';

/** Tables of all projections, two generations of each, and some room. */
const maxTables = 512;
const pageSizeBytes = 8192;

/** The tables of one generation of one projection. */
export type TableSet = {
  /** For queries: one commit of the live projections, until the next one is known. */
  readonly reader: Reader;
  /** For the projection itself: whatever was committed last. */
  readonly latest: Reader;
  readonly store: (write: RowWrite) => void;
};

export type Environment = {
  readonly checkpoint: (name: string, role: Role) => Checkpoint | undefined;
  /** Opens or makes the tables of a generation. Not while a commit for readers is under way. */
  readonly tables: (projection: Projection, generation: number) => TableSet;
  /**
   * Everything `write` stores becomes durable and visible in one transaction. `write` must not throw: its rows were
   * serialised before. Resolves once it is; `forReaders` then shows it to queries: never two of those at a time, or a
   * query could see the rows of one before what watches commits heard of it. Throws STORAGE_FULL or
   * PROJECTIONS_UNWRITABLE.
   */
  readonly commit: (write: (checkpoints: CheckpointWriter) => void, forReaders: boolean) => Promise<void>;
  /** The highest generation that any table of the projection has; 0 without one. */
  readonly newestGeneration: (name: string) => number;
  /** Drops the tables that no checkpoint speaks of: an old generation, or what a crash left of a rebuild. */
  readonly sweep: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export type CheckpointWriter = {
  readonly put: (name: string, role: Role, checkpoint: Checkpoint) => void;
  readonly remove: (name: string, role: Role) => void;
};

type Snapshot = { transaction: Transaction };

/** One LMDB environment for all projections, apart from the log: it may be deleted and rebuilt at any time. */
export function openEnvironment(directory: string): Environment {
  const root: RootDatabase = open({
    path: directory,
    noSubdir: false,
    maxDbs: maxTables,
    pageSize: pageSizeBytes,
    // Visible before it is on the disk, unlike in the log: what a power cut takes back is one commit with its checkpoint,
    // and the log, which was durable before, gives it again. It spares every answer that waits for us two disk syncs.
    overlappingSync: true,
    // So that a failed commit rejects once, to us.
    eventTurnBatching: false,
  });
  const checkpoints: Database<unknown, string[]> = root.openDB('checkpoints', { encoding: 'json' });
  const held: Snapshot = { transaction: root.useReadTransaction() };

  const renew = (): void => {
    // In the turn in which a commit is known: queries and what watches commits then speak of the same moment.
    const before = held.transaction;
    root.resetReadTxn();
    held.transaction = root.useReadTransaction();
    before.done();
  };

  const checkpoint = (name: string, role: Role): Checkpoint | undefined => {
    const row = checkpoints.get([name, role]);
    // A checkpoint of a form that we do not know counts as none: the projection is rebuilt.
    return row === undefined ? undefined : checkpointSchema.safeParse(row).data;
  };

  const writer: CheckpointWriter = {
    put: (name, role, row) => void checkpoints.put([name, role], row),
    remove: (name, role) => void checkpoints.remove([name, role]),
  };

  const tableNames = (): TableName[] =>
    [...root.getKeys()].flatMap((key) => (typeof key === 'string' ? (parsedName(key) ?? []) : []));

  return {
    checkpoint,
    tables(projection, generation) {
      const set = openTables(root, held, projection, generation);
      // A read transaction does not know tables that were made after it began.
      renew();
      return set;
    },
    async commit(write, forReaders) {
      try {
        await root.batch(() => write(writer));
      } catch (error) {
        throw await commitFailure(error, join(directory, 'data.mdb'));
      }
      if (forReaders) renew();
      else root.resetReadTxn();
    },
    newestGeneration: (name) =>
      Math.max(0, ...tableNames().flatMap((table) => (table.projection === name ? table.generation : []))),
    async sweep() {
      for (const { projection, generation, name } of tableNames()) {
        const roles: readonly Role[] = ['live', 'building'];
        if (roles.some((role) => checkpoint(projection, role)?.generation === generation)) continue;
        await root.openDB(name, { encoding: 'string' }).drop();
      }
      renew();
    },
    async close() {
      held.transaction.done();
      await root.close();
    },
  };
}

type TableName = { readonly name: string; readonly projection: string; readonly generation: number };

const nameOf = (projection: string, generation: number, table: string): string =>
  `${projection}@${generation}/${table}`;

function parsedName(name: string): TableName | undefined {
  const match = /^(.+)@(\d+)\/.+$/.exec(name);
  return match === null ? undefined : { name, projection: match[1] ?? '', generation: Number(match[2]) };
}

function openTables(
  root: RootDatabase,
  held: Snapshot,
  projection: Projection,
  generation: number,
): TableSet {
  const opened = new Map<string, Database<string, RowKey & string>>(
    projection.tables.map((table) => [
      table.name,
      root.openDB(nameOf(projection.name, generation, table.name), { encoding: 'string' }),
    ]),
  );
  const of = (table: Table): Database<string, RowKey & string> => {
    const database = opened.get(table.name);
    if (database === undefined)
      throw new TypeError(`projection ${projection.name} has no table ${table.name}`);
    return database;
  };
  return {
    reader: readerOf(of, held),
    latest: readerOf(of, {}),
    store({ table, key, text }) {
      if (text === undefined) void of(table).remove(toLmdbKey(key) as string);
      else void of(table).put(toLmdbKey(key) as string, text);
    },
  };
}

function readerOf(of: (table: Table) => Database<string, RowKey & string>, held: Partial<Snapshot>): Reader {
  // lmdb keeps and changes the options it is given.
  const rangeOf = (range: RowRange | undefined): object => ({ ...range, ...held });
  return {
    get: <Row>(table: Table<Row>, key: RowKey) => {
      const text = of(table).get(toLmdbKey(key) as string, held);
      return text === undefined ? undefined : rowOf(table, text);
    },
    has: (table, key) => of(table).doesExist(toLmdbKey(key) as string, undefined as never, held),
    *range<Row>(table: Table<Row>, range?: RowRange): Iterable<Entry<Row>> {
      for (const { key, value } of of(table).getRange(rangeOf(range)))
        yield { key, row: rowOf(table, value) };
    },
    keys: (table, range) => of(table).getKeys(rangeOf(range)),
    count: (table, range) => of(table).getKeysCount(rangeOf(range)),
  };
}

const rowOf = <Row>(table: Table<Row>, text: string): Row =>
  (table.encoding === 'text' ? text : JSON.parse(text)) as Row;
