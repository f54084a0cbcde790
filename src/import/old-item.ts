import { coreSchema, itemTypeName } from '../events/core.ts';
import { respeltLevel } from '../events/decision.ts';
import { type ItemDraft, withSource } from '../events/item.ts';

export type SourceObject = Readonly<Record<string, unknown>>;

/** A rule that an item of the source breaks; it is kept all the same. */
export type Note = { readonly rule: string; readonly detail: string };

/** What an item of an unreadable type is stored as; the original stands under `source`. */
const unrecognisedType = 'unrecognised_item';

/**
 * An item of an old record as the recorder takes it: nothing is inferred and nothing left out. What has another name or
 * spelling today comes under today's, with the source's under `source`; a member with a value that its place does not
 * take stays at its place, beside the typed members. Its time is the caller's.
 */
export function draftOldItem(
  item: SourceObject,
  seq: number,
): { readonly draft: ItemDraft; readonly notes: readonly Note[] } {
  const notes: Note[] = [];
  const note = (rule: string, detail: string): void => void notes.push({ rule, detail });
  const { members, sources } = renameMembers(item);
  const { item_type: type, sequence_number: number, metadata, source, timestamp, ...rest } = members;

  if (number !== undefined && number !== seq) {
    sources['sequence_number'] = number;
    if (number !== null)
      note('sequence_differs', `The source numbers this item otherwise; it is the ${seq}. of the record.`);
  }
  if (timestamp === null) sources['timestamp'] = null;
  const typed = itemTypeName.safeParse(type);
  if (!typed.success) {
    if (type !== undefined) sources['item_type'] = type;
    note('item_type_unreadable', 'The item has no item_type that is an identifier.');
  }
  const known: Record<string, unknown> = {};
  const extra: Record<string, unknown> = {};
  for (const [member, value] of Object.entries(rest)) {
    const takes = Object.hasOwn(takenBy, member) ? takenBy[member] : undefined;
    const fits = takes?.(value) ?? false;
    if (takes !== undefined && !fits && value !== null) {
      note('member_invalid', `${member} has a value that this member does not take; it is kept as it is.`);
    }
    (fits ? known : extra)[member] = value;
  }
  if (isObject(metadata)) known['metadata'] = respellLevel(metadata, sources);
  else if (metadata === null) sources['metadata'] = null;
  else if (metadata !== undefined) {
    extra['metadata'] = metadata;
    note('member_invalid', 'metadata is no object; it is kept as it is.');
  }
  const nulls = Object.keys(takenBy).filter((member) => extra[member] === null);
  for (const member of nulls) delete extra[member];
  const itemType = typed.success ? typed.data : unrecognisedType;
  return {
    draft: { ...known, item_type: itemType, extra: { ...extra, ...withSource(sources, source) } },
    notes,
  };
}

const isString = (value: unknown): boolean => typeof value === 'string';
const fitsCore =
  (member: 'stage' | 'stage_iteration' | 'loop_iteration' | 'media_type' | 'execution_time') =>
  (value: unknown): boolean =>
    value !== undefined && coreSchema.shape[member].safeParse(value).success;

/** The values that the typed members of an item take. */
const takenBy: Readonly<Record<string, (value: unknown) => boolean>> = {
  stage: fitsCore('stage'),
  stage_iteration: fitsCore('stage_iteration'),
  loop_iteration: fitsCore('loop_iteration'),
  media_type: fitsCore('media_type'),
  execution_time: fitsCore('execution_time'),
  content: isString,
  file_path: isString,
  config_used: isString,
  model_used: isString,
  backend_used: isString,
};

/** Members that older writers called otherwise, and today's names. */
const renamedMembers = [
  { from: 'backend_type', to: 'backend_used', takes: isString },
  { from: 'output_config_index', to: 'loop_iteration', takes: fitsCore('loop_iteration') },
] as const;

/** Renames only where today's name is free or says the same; else both stay where they are. */
function renameMembers(item: SourceObject): {
  readonly members: SourceObject;
  readonly sources: Record<string, unknown>;
} {
  const members: Record<string, unknown> = { ...item };
  const sources: Record<string, unknown> = {};
  const move = (from: string, into: Record<string, unknown>, to: string): boolean => {
    const value = members[from];
    const today = into[to] ?? null;
    if (today !== null && today !== value) return false;
    sources[from] = value;
    delete members[from];
    into[to] = value;
    return true;
  };
  for (const { from, to, takes } of renamedMembers) {
    if (!takes(members[from])) continue;
    const wasNull = members[to] === null;
    if (move(from, members, to) && wasNull) sources[to] = null;
  }
  const { prompt_id: job, metadata = {} } = members;
  if (isString(job) && isObject(metadata)) {
    const described = { ...metadata };
    if (move('prompt_id', described, 'prompt_id')) members['metadata'] = described;
  }
  return { members, sources };
}

function respellLevel(metadata: SourceObject, sources: Record<string, unknown>): SourceObject {
  const old = metadata['safety_level'];
  const today = respeltLevel(old);
  if (today === undefined) return metadata;
  sources['metadata'] = { safety_level: old };
  return { ...metadata, safety_level: today };
}

export function isObject(value: unknown): value is SourceObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
