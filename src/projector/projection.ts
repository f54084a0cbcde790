import type { z } from 'zod';
import type { LedgerEvent } from '../events/envelope.ts';
import type { Position } from '../event-store/port.ts';

/**
 * A read model: a pure fold of the log plus its tables. `handle` is synchronous and total, also for a payload that was
 * erased. A row depends only on the bytes of events and on the settings that the version names: never on a clock, and
 * never on where one batch of events ends and the next begins.
 */
export type Projection = {
  /** Kebab-case; names its tables and its file. */
  readonly name: string;
  /** Any change of what a row is, or of a setting that rows depend on, changes this; then it is rebuilt. */
  readonly version: string;
  /** Item types it wants, in today's words; all when absent. */
  readonly types?: readonly string[];
  readonly tables: readonly Table[];
  readonly handle: (events: readonly ProjectedEvent[], view: View) => void;
};

/** What a deployment may choose; a projection whose rows depend on one names it in its version. */
export type ProjectionSettings = {
  /** IANA name of the zone in which a run has its date. */
  readonly timeZone: string;
};

/** The default export of every file in projections/. */
export type ProjectionFactory = (settings: ProjectionSettings) => Projection;

/** One event as a projection gets it. */
export type ProjectedEvent = {
  readonly event: LedgerEvent;
  readonly stream: string;
  /** 0-based place in the stream. */
  readonly revision: number;
  readonly position: Position;
  /** Core and sealed payload as stored. */
  readonly sizeBytes: number;
  /** Of the event, base64: chain link and leaf of the ledger's tree. */
  readonly hash: string;
};

/** A named table and what its rows are. `text` rows are strings that are stored and handed out as they are. */
export type Table<Row = unknown> = {
  readonly name: string;
  readonly encoding: 'json' | 'text';
  readonly row: z.ZodType<Row>;
};

/** A table of JSON values. */
export const jsonTable = <Row>(name: string, row: z.ZodType<Row>): Table<Row> => ({
  name,
  encoding: 'json',
  row,
});

/** A table of ready-made texts, never parsed on the way to a client. */
export const textTable = (name: string, row: z.ZodType<string>): Table<string> => ({
  name,
  encoding: 'text',
  row,
});

export type KeyPart = string | number;
/** Ordered part by part, numbers before strings. */
export type RowKey = KeyPart | readonly KeyPart[];

/** `start` is inclusive, `end` exclusive; with `reverse` the range runs down from `start` to above `end`. */
export type RowRange = {
  readonly start?: RowKey;
  readonly end?: RowKey;
  readonly reverse?: boolean;
  readonly limit?: number;
  /** How many to pass over first. */
  readonly offset?: number;
};

export type Entry<Row> = { readonly key: RowKey; readonly row: Row };

/** A projection's own tables while it handles events: reads see its own writes; a row handed out must not be changed. */
export type View = {
  readonly get: <Row>(table: Table<Row>, key: RowKey) => Row | undefined;
  readonly put: <Row>(table: Table<Row>, key: RowKey, row: Row) => void;
  readonly remove: (table: Table, key: RowKey) => void;
  readonly range: <Row>(table: Table<Row>, range: Omit<RowRange, 'offset'>) => Iterable<Entry<Row>>;
};

/** The committed rows of a projection, all of one commit. */
export type Reader = {
  readonly get: <Row>(table: Table<Row>, key: RowKey) => Row | undefined;
  readonly has: (table: Table, key: RowKey) => boolean;
  readonly range: <Row>(table: Table<Row>, range?: RowRange) => Iterable<Entry<Row>>;
  readonly keys: (table: Table, range?: RowRange) => Iterable<RowKey>;
  readonly count: (table: Table, range?: RowRange) => number;
};
