import { canonicalBytes } from '../events/canonical.ts';
import { sha256Hex } from '../events/digest.ts';
import { type ItemDraft, splitItem } from '../events/item.ts';
import { findUnrecordable } from '../events/recordable.ts';
import { isToken } from '../events/token.ts';
import { LedgerError } from '../errors.ts';
import { isExecutionId } from '../run/execution-id.ts';
import type { Finding } from '../run/lifecycle.ts';
import { withSource } from '../events/item.ts';
import { draftOldItem, isObject, type SourceObject } from './old-item.ts';
import { parseSource, type Repair, repairSource } from './source-json.ts';
import { readSourceTime, requireTimeZone } from './source-time.ts';

/** An old record, checked whole and ready to be recorded: nothing of it can be refused any more. */
export type OldRecord = {
  readonly kind: 'record';
  readonly executionId: string;
  /** SHA-256 of the canonical source, hex; the time zone it was read in does not count. */
  readonly digest: string;
  /** Taxonomy the items were written under. */
  readonly tax: string;
  readonly userId: string | undefined;
  readonly items: readonly OldItem[];
};
export type OldItem = {
  readonly draft: ItemDraft;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** Upper bound of what the item takes of an append. */
  readonly sizeBytes: number;
};

/** A record that cannot be taken, and why; `execution_id` where it has a usable one. */
export type RefusedRecord = {
  readonly kind: 'refused';
  readonly execution_id: string | null;
  readonly reason: string;
};

export type ReadOptions = {
  /** IANA zone that times without an offset are read in; default UTC. */
  readonly timeZone?: string | undefined;
};

/** The largest item that one append can take, with room for its hash, salt and seal (log.md §1, "Size"). */
export const maxItemBytes = 880 * 1024;
/** The core's members that do not come from the item, the hash and the seal. */
const envelopeBytes = 1_400;
/** Notes of the import that a record keeps; more of them are counted. */
const maxNotes = 500;

/** Reads one old record out of JSON text or a parsed value. Refusals are returned; throws UNKNOWN_TIME_ZONE only. */
export function parseOldRecord(source: unknown, options: ReadOptions = {}): OldRecord | RefusedRecord {
  if (typeof source !== 'string') return readOldRecord(source, options);
  try {
    return readOldRecord(parseSource(source), options);
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'INVALID_JSON') return refused(null, error.message);
    throw error;
  }
}

/** Reads one old record out of a value that {@link parseSource} gave. Throws UNKNOWN_TIME_ZONE. */
export function readOldRecord(source: unknown, options: ReadOptions = {}): OldRecord | RefusedRecord {
  const timeZone = options.timeZone ?? 'UTC';
  requireTimeZone(timeZone);
  const { value: record, repairs } = repairSource(source);
  if (!isObject(record)) return refused(null, 'the record is not a JSON object');
  const { execution_id: id, items } = record;
  const executionId = isExecutionId(id) ? id : null;
  const refuse = (reason: string): RefusedRecord => refused(executionId, reason);
  if (executionId === null) {
    return refuse(
      'execution_id is missing or unusable: letters, digits and . _ -, at most 128, not "stats" or "import"',
    );
  }
  const pointed = findUnrecordable(record);
  if (pointed) return refuse(`${pointed.pointer} ${pointed.detail}`);
  if (!Array.isArray(items) || items.length === 0) return refuse('the record has no items');
  const odd = items.findIndex((item) => !isObject(item));
  if (odd >= 0) return refuse(`item ${odd + 1} is not a JSON object`);
  const drafted = draftItems(record, items as readonly SourceObject[], timeZone, repairs);
  if (typeof drafted === 'string') return refuse(drafted);
  const tooLarge = drafted.findIndex(({ sizeBytes }) => sizeBytes > maxItemBytes);
  if (tooLarge >= 0) {
    return refuse(
      `item ${tooLarge + 1} has ${drafted[tooLarge]?.sizeBytes ?? 0} bytes, ${maxItemBytes} are possible: store large things as media`,
    );
  }
  const { taxonomy_version: tax, user_id: userId } = record;
  return {
    kind: 'record',
    executionId,
    digest: sha256Hex(canonicalBytes(record)),
    tax: typeof tax === 'string' && isToken(tax) ? tax : '1.0',
    userId: typeof userId === 'string' ? userId : undefined,
    items: drafted,
  };
}

const refused = (executionId: string | null, reason: string): RefusedRecord => ({
  kind: 'refused',
  execution_id: executionId,
  reason,
});

/** Every item with its time, the record's members on the first one; or the reason why the record cannot be taken. */
function draftItems(
  record: SourceObject,
  items: readonly SourceObject[],
  timeZone: string,
  repairs: readonly Repair[],
): readonly OldItem[] | string {
  const findings: Finding[] = repairs.map(({ rule, pointer, detail }) => ({
    rule,
    sequence_number: seqOfPointer(pointer),
    detail: `${pointer.slice(0, 200)} ${detail}.`,
  }));
  const started = timeAt(record, timeZone, null, findings);
  if (started === undefined) return 'the timestamp of the record is not readable';
  const drafted: { readonly draft: ItemDraft; readonly time: string }[] = [];
  let before = started;
  for (const [index, item] of items.entries()) {
    const seq = index + 1;
    const own = timeAt(item, timeZone, seq, findings);
    if (own === undefined) return `the timestamp of item ${seq} is not readable`;
    const time = own ?? before;
    if (time === null) return `item ${seq} has no timestamp, and nothing before it has one`;
    const { draft, notes } = draftOldItem(item, seq);
    if (own === null) {
      const detail = 'The item has no timestamp; it is shown with the time of what stands before it.';
      findings.push({ rule: 'time_missing', sequence_number: seq, detail });
    }
    findings.push(...notes.map((note) => ({ ...note, sequence_number: seq })));
    drafted.push({ draft, time });
    before = time;
  }
  const members = recordMembers(record, started, findings);
  const whole = drafted.map(({ draft, time }, index) => {
    const complete = index === 0 ? { ...draft, ...members } : draft;
    return { draft: complete, time, sizeBytes: sizeOf(complete) };
  });
  const pointed = findUnrecordable(whole.map(({ draft }) => draft));
  return pointed ? `${pointed.pointer} ${pointed.detail}` : whole;
}

/** The source's time in UTC; null where it has none, undefined where it cannot be read. */
function timeAt(
  source: SourceObject,
  timeZone: string,
  seq: number | null,
  findings: Finding[],
): string | null | undefined {
  const { timestamp } = source;
  if (timestamp === undefined || timestamp === null) return null;
  const read = typeof timestamp === 'string' ? readSourceTime(timestamp, timeZone) : undefined;
  if (read === undefined) return undefined;
  if (read.doubtful) {
    const detail = `The clocks of ${timeZone} were changed at this time: it fits no instant, or two.`;
    findings.push({ rule: 'time_doubtful', sequence_number: seq, detail });
  }
  return read.time;
}

/** Whose run it is, and everything the record says beside its items. */
function recordMembers(
  record: SourceObject,
  started: string | null,
  findings: readonly Finding[],
): Pick<ItemDraft, 'user_id' | 'session_id' | 'record'> {
  const { execution_id: _, items: __, user_id: userId, session_id: sessionId, ...members } = record;
  const { import_findings: theirs, source, ...rest } = members;
  const kept = {
    ...rest,
    ...(started === null ? {} : { timestamp: started }),
    ...(typeof userId === 'string' || userId === undefined ? {} : { user_id: userId }),
    ...(typeof sessionId === 'string' || sessionId === undefined ? {} : { session_id: sessionId }),
    ...withSource(theirs === undefined ? {} : { import_findings: theirs }, source),
    ...(findings.length === 0 ? {} : { import_findings: capped(findings) }),
  };
  return {
    ...(typeof userId === 'string' ? { user_id: userId } : {}),
    ...(typeof sessionId === 'string' ? { session_id: sessionId } : {}),
    record: kept,
  };
}

function capped(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= maxNotes) return findings;
  const detail = `The import noted ${findings.length} things, the first ${maxNotes} are listed.`;
  return [...findings.slice(0, maxNotes), { rule: 'more_notes', sequence_number: null, detail }];
}

function seqOfPointer(pointer: string): number | null {
  const index = /^\/items\/(\d+)(\/|$)/.exec(pointer)?.[1];
  return index === undefined ? null : Number(index) + 1;
}

function sizeOf(draft: ItemDraft): number {
  const { kept, payload } = splitItem(draft);
  const payloadBytes = payload === null ? 0 : canonicalBytes(payload).byteLength;
  return canonicalBytes(kept).byteLength + payloadBytes + envelopeBytes;
}
