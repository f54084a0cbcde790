import type { Effect } from '../events/catalogue-entry.ts';
import { catalogued, unknownEntry } from '../events/catalogue.ts';
import type { ExecutionItem } from '../events/item.ts';
import type { ExecutionRecord, RecordHeader } from '../run/record.ts';
import { isWithheldOutput, watchWithheld, type Withheld } from './withheld.ts';

/** Whom a run is shown to, from the pictures alone to every piece of evidence (domain.md §7). */
export const views = ['student', 'advanced', 'teacher', 'researcher', 'auditor'] as const;
export type View = (typeof views)[number];

const studentSees: readonly Effect[] = ['deliver_output'];
const advancedSee: readonly Effect[] = [...studentSees, 'finish_text'];
const teacherSees: readonly Effect[] = [...advancedSee, 'input', 'translate', 'iterate'];

const effectsOf: Readonly<Partial<Record<View, readonly Effect[]>>> = {
  student: studentSees,
  advanced: advancedSee,
  teacher: teacherSees,
};

/** What of a run is shown. Without a view it is everything. */
export type Shown = {
  readonly view: View | undefined;
  /** Log entries too; without a view they are always there. */
  readonly logs: boolean;
  /** What a look at the medium refused afterwards is no output to a pupil. */
  readonly withheld: Withheld;
};

/** Does this item belong to what is shown? Reads the catalogue's attributes only, so a new type falls into its place. */
export function isShown({ view, logs, withheld }: Shown, item: ExecutionItem): boolean {
  if (view === undefined) return true;
  const { kind, effect } = catalogued(item.item_type) ?? unknownEntry;
  if (kind === 'log') return logs;
  if (view === 'researcher') return true;
  // Who asked for what, under which policy and level, stands in the start.
  if (view === 'auditor') return kind === 'decision' || kind === 'review' || effect === 'start';
  if (isWithheldOutput(withheld, item)) return false;
  return effectsOf[view]?.includes(effect) ?? false;
}

/** The record beside its items as a view has it: the final text is for the advanced. */
export function headerInView<H extends RecordHeader>(header: H, view: View): H & { readonly view: View } {
  const { result } = header;
  const text = view === 'student' || result === null ? {} : { text: result.text };
  return { ...header, view, result: result === null ? null : { text: null, media: result.media, ...text } };
}

/** A record with the items of one view only, and with the view named in it. */
export function recordInView(
  record: ExecutionRecord,
  view: View,
  logs: boolean,
): ExecutionRecord & { readonly view: View } {
  const { see, seen } = watchWithheld();
  for (const item of record.items) see(item);
  const shown = { view, logs, withheld: seen() };
  return { ...headerInView(record, view), items: record.items.filter((item) => isShown(shown, item)) };
}
