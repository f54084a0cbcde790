import { z } from 'zod';
import { canonicalBytes } from './canonical.ts';
import { catalogued, unknownEntry } from './catalogue.ts';
import { type Core, type CoreDraft, coreSchema, itemTypeName, mediaType, type Payload } from './core.ts';
import { decisionRecord, oldCheckMembers } from './decision.ts';
import { upcastType } from './upcast.ts';

/** One item as it is handed to the recorder: the members of ExecutionItem (domain.md §2) and, for imports, more. */
export type ItemDraft = {
  readonly item_type: string;
  readonly stage?: number | null | undefined;
  readonly stage_iteration?: number | null | undefined;
  readonly loop_iteration?: number | null | undefined;
  readonly media_type?: string | null | undefined;
  readonly content?: string | null | undefined;
  readonly file_path?: string | null | undefined;
  readonly config_used?: string | null | undefined;
  readonly model_used?: string | null | undefined;
  readonly backend_used?: string | null | undefined;
  /** Seconds. */
  readonly execution_time?: number | null | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined;
  /** Members that no current reader knows by name; they come back at their place. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
  /** On the first item of a run: whose it is, and what its record says beside the items. */
  readonly user_id?: string | undefined;
  readonly session_id?: string | undefined;
  readonly record?: Readonly<Record<string, unknown>> | undefined;
};

/**
 * One item as a client reads it. Unknown members of an import stand beside these, and a value that its member does not
 * take stays at its place with a finding: whoever answers or exports items must not fail on one.
 */
export const executionItem = z.looseObject({
  sequence_number: z.int().min(1),
  timestamp: z.string(),
  stage: z.int().nullable(),
  stage_iteration: z.int().nullable(),
  loop_iteration: z.int().nullable(),
  media_type: mediaType.nullable(),
  item_type: itemTypeName,
  content: z.string().nullable(),
  file_path: z.string().nullable(),
  config_used: z.string().nullable(),
  model_used: z.string().nullable(),
  backend_used: z.string().nullable(),
  execution_time: z.number().nullable(),
  metadata: z.record(z.string(), z.unknown()),
});
export type ExecutionItem = z.infer<typeof executionItem>;

/** Facts that are lists or objects, summed up in canonical bytes: leaves the core below its 60,000. */
const maxListedFactsBytes = 32_000;

const placedMembers = [
  'stage',
  'stage_iteration',
  'loop_iteration',
  'media_type',
  'config_used',
  'model_used',
  'backend_used',
  'execution_time',
] as const;

/** The members of a core that come from its item: what {@link splitItem} kept. */
export function keptOf(core: CoreDraft): Partial<Core> {
  const { facts } = core;
  return {
    ...Object.fromEntries(placedMembers.map((member) => [member, core[member]])),
    ...(facts === undefined ? {} : { facts }),
  };
}

type Halves = { readonly kept: Partial<Core>; readonly payload: Payload | null };

/**
 * Splits an item into the kept and the erasable half. A member or metadata key is kept only where the core's or the
 * type's fact schema takes its very value; whatever else was sent goes to the payload, unchanged. {@link mergeItem}
 * undoes it.
 */
export function splitItem(draft: ItemDraft): Halves {
  const entry = catalogued(upcastType(draft.item_type)) ?? unknownEntry;
  const kept: Record<string, unknown> = {};
  const extra: Record<string, unknown> = { ...draft.extra };
  for (const member of placedMembers) {
    const value = draft[member];
    if (value === undefined || value === null) continue;
    if (coreSchema.shape[member].safeParse(value).success) kept[member] = value;
    else extra[member] = value;
  }
  const facts: Record<string, unknown> = {};
  const metadata: Record<string, unknown> = {};
  let factRoom = maxListedFactsBytes;
  for (const [key, value] of Object.entries(draft.metadata ?? {})) {
    if (value === undefined) continue;
    const isFact = Object.hasOwn(entry.facts.shape, key) && entry.facts.shape[key]?.safeParse(value).success;
    // A list of facts that would make the core too large is kept, but not for ever.
    const listedBytes = isFact && typeof value === 'object' ? canonicalBytes(value).byteLength : 0;
    if (isFact && listedBytes <= factRoom) {
      facts[key] = value;
      factRoom -= listedBytes;
    } else metadata[key] = value;
  }
  if (Object.keys(facts).length > 0) kept['facts'] = facts;
  return { kept, payload: payloadOf(draft, metadata, extra) };
}

function payloadOf(
  draft: ItemDraft,
  metadata: Record<string, unknown>,
  extra: Record<string, unknown>,
): Payload | null {
  const payload: Record<string, unknown> = {};
  for (const member of ['content', 'file_path', 'user_id', 'session_id', 'record'] as const) {
    const value = draft[member];
    if (value !== undefined && value !== null) payload[member] = value;
  }
  if (Object.keys(metadata).length > 0) payload['metadata'] = metadata;
  if (Object.keys(extra).length > 0) payload['extra'] = extra;
  return Object.keys(payload).length > 0 ? payload : null;
}

/** Core and payload as one item again; a payload that is gone leaves nulls, and `erased: true` says so. */
export function mergeItem(core: CoreDraft, payload: Payload | null, erased: boolean): ExecutionItem {
  const itemType = upcastType(core.type);
  const { source, ...extra } = payload?.extra ?? {};
  const renamed = itemType === core.type ? {} : { item_type: core.type };
  return {
    sequence_number: core.seq,
    timestamp: core.time,
    stage: core.stage ?? null,
    stage_iteration: core.stage_iteration ?? null,
    loop_iteration: core.loop_iteration ?? null,
    media_type: core.media_type ?? null,
    item_type: itemType,
    content: payload?.content ?? null,
    file_path: payload?.file_path ?? null,
    config_used: core.config_used ?? null,
    model_used: core.model_used ?? null,
    backend_used: core.backend_used ?? null,
    execution_time: core.execution_time ?? null,
    metadata: { ...derivedMembers(itemType, core.facts), ...core.facts, ...payload?.metadata },
    ...extra,
    ...withSource(renamed, source),
    ...(erased ? { erased: true } : {}),
  };
}

/**
 * The `source` member: what a renamed or derived member was called and said where it came from. A member `source` that
 * the origin had itself stays beside the renames, or under its own name where it is no object or says other things.
 */
export function withSource(
  renamed: Readonly<Record<string, unknown>>,
  source: unknown,
): { readonly source?: unknown } {
  if (Object.keys(renamed).length === 0) return source === undefined ? {} : { source };
  if (source === undefined) return { source: renamed };
  const joins =
    typeof source === 'object' &&
    source !== null &&
    !Array.isArray(source) &&
    !Object.keys(renamed).some((key) => Object.hasOwn(source, key));
  return { source: joins ? { ...renamed, ...source } : { ...renamed, source } };
}

const recordedResult = z.object(decisionRecord.shape).pick({ verdict: true, steps: true });

/**
 * `safe` and `method` of a check that holds a full decision record: older clients read them, and they are derived so
 * that they can never say anything else than the record. Recorded ones (old history, imports) win.
 */
function derivedMembers(itemType: string, facts: Core['facts']): Record<string, unknown> {
  if (catalogued(itemType)?.kind !== 'decision' || facts?.['steps'] === undefined) return {};
  const result = recordedResult.safeParse(facts);
  return result.success ? oldCheckMembers(result.data) : {};
}
