import { z } from 'zod';
import { jsonTable, type Table, textTable } from '../projector/projection.ts';
import { decisionProfile, type DecisionProfile } from './decision-profile.ts';
import { runContext, type RunContext } from './run-context.ts';

const count = z.int().min(0);
const text = z.string().nullable();
const facts = z.record(z.string(), z.unknown());

/** Where an audited event stands: in its run, in time, and in the order in which the log has it. */
export const place = {
  /** Its number among all events of this read model, from 1, in the order of the log: what `as_of` cuts by. */
  number: z.int().min(1),
  execution_id: z.string(),
  sequence_number: z.int().min(1),
  /** The event's. */
  id: z.string(),
  type: z.string(),
  /** RFC 3339, UTC. */
  time: z.string(),
};

/** One check, recorded skip, or block that rests on no recorded decision. */
const decisionRow = z.strictObject({
  ...place,
  position: z.string(),
  recorded: text,
  stage: z.int().nullable(),
  loop_iteration: z.int().nullable(),
  model_used: text,
  backend_used: text,
  /** Seconds. */
  duration: z.number().nullable(),
  profile: count,
  subject: text,
  /** In {@link subjectsTable}; 0 for none. */
  subject_number: count,
  facts,
});
export type DecisionRow = z.infer<typeof decisionRow>;

const blockRow = z.strictObject({ ...place, facts });
export type BlockRow = z.infer<typeof blockRow>;

const reviewRow = z.strictObject({
  ...place,
  /** The decision it judges, by its ordinal; null where the run has none of that id. */
  decision: count.nullable(),
  actor: z.strictObject({ kind: z.string(), id: z.string() }).nullable(),
  judgement: text,
  role: text,
  answers: text,
  /** The number of the first later review that answers it. */
  answered: z.int().nullable(),
  facts,
});
export type ReviewRow = z.infer<typeof reviewRow>;

/** By ordinal: the place of a decision among all, from 0. */
export const decisionsTable: Table<DecisionRow> = jsonTable('decisions', decisionRow);
/** By [execution id, sequence number]: ordinal. */
export const placesTable: Table<number> = jsonTable('places', count);
/** By execution id. */
export const contextsTable: Table<RunContext & DecisionContext> = jsonTable(
  'contexts',
  runContext.extend({
    /** By loop: the last decision that let nothing pass; what a block of that loop rests on. */
    refused: z.record(z.string(), count),
    /** The last decision about the text that was handed in, and its language as checked. */
    inputCheck: z.strictObject({ ordinal: count, language: text }).nullable(),
  }),
);
export type DecisionContext = {
  readonly refused: Readonly<Record<string, number>>;
  readonly inputCheck: { readonly ordinal: number; readonly language: string | null } | null;
};
/** By profile number, from 0. */
export const profilesTable: Table<DecisionProfile> = jsonTable('profiles', decisionProfile);
/** By digest of the profile: its number. */
export const profileNumbersTable: Table<number> = jsonTable('profile-numbers', count);
/** By subject number, from 1: the HMAC; and back. */
export const subjectsTable = textTable('subjects', z.string());
export const subjectNumbersTable: Table<number> = jsonTable('subject-numbers', z.int().min(1));
/** By [ordinal of the decision, sequence number]: the block that followed from it. */
export const blocksTable: Table<BlockRow> = jsonTable('blocks', blockRow);
/** By ordinal: the place of a review among all, from 0. */
export const reviewsTable: Table<ReviewRow> = jsonTable('reviews', reviewRow);
/** By event id: ordinal of the review. */
export const reviewIdsTable: Table<number> = jsonTable('review-ids', count);
/** By [ordinal of the decision, ordinal of the review]. */
export const judgedTable: Table<number> = jsonTable('judged', z.literal(1));
/** By [role, commitment, ordinal]: the verdict. */
export const checkedTable = textTable('checked', z.string());
const judgedTwice = z.strictObject({ first: z.string(), differs: z.int().min(1).nullable() });
/** By [role, commitment]: its first verdict, and the number at which another one came. */
export const verdictsTable: Table<z.infer<typeof judgedTwice>> = jsonTable('verdicts', judgedTwice);
/** By that number: [role, commitment]. */
export const differingTable: Table<readonly [string, string]> = jsonTable(
  'differing',
  z.tuple([z.string(), z.string()]),
);
/** By ordinal, while the payload is there: [list, term] of each hit of the fast filter. */
export const termsTable: Table<readonly (readonly [string, string])[]> = jsonTable(
  'terms',
  z.array(z.tuple([z.string(), z.string()])),
);
const languageRow = z.strictObject({ number: z.int().min(1), checked: z.string(), actual: z.string() });
/** By ordinal: the text is of another language than was checked, and since which number that is known. */
export const languagesTable: Table<z.infer<typeof languageRow>> = jsonTable('languages', languageRow);

export const orderRow = z.strictObject({
  position: z.string(),
  /** The latest `sortable` time, of our clock, that any event had by then. */
  clock: z.string(),
});
export type OrderRow = z.infer<typeof orderRow>;
/** By number: where it stands in the log. */
export const orderTable: Table<OrderRow> = jsonTable('order', orderRow);

/** So many decisions make one row of columns, once there are so many. */
export const columnRows = 1024;
const columns = z.strictObject({
  /** Microseconds since 1970. */
  time: z.array(z.number()),
  number: z.array(count),
  profile: z.array(count),
  /** Seconds; −1 for none. */
  duration: z.array(z.number()),
  subject: z.array(count),
});
export type Columns = z.infer<typeof columns>;
/** By ordinal / {@link columnRows}: the same decisions by column, so that a fresh process has them at once. */
export const columnsTable: Table<Columns> = jsonTable('columns', columns);

const totals = z.strictObject({
  numbers: count,
  decisions: count,
  reviews: count,
  profiles: count,
  subjects: count,
});
export type DecisionTotals = z.infer<typeof totals>;
/** One row, under {@link totalsKey}. */
export const totalsTable: Table<DecisionTotals> = jsonTable('counts', totals);
export const totalsKey = 'all';

export const noTotals: DecisionTotals = { numbers: 0, decisions: 0, reviews: 0, profiles: 0, subjects: 0 };

export const decisionTables: readonly Table[] = [
  decisionsTable,
  placesTable,
  contextsTable,
  profilesTable,
  profileNumbersTable,
  subjectsTable,
  subjectNumbersTable,
  blocksTable,
  reviewsTable,
  reviewIdsTable,
  judgedTable,
  checkedTable,
  verdictsTable,
  differingTable,
  termsTable,
  languagesTable,
  orderTable,
  columnsTable,
  totalsTable,
];
