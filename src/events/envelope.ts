import { LedgerError } from '../errors.ts';
import type { ReadyEvent, StoredEvent } from './stored-event.ts';
import { canonicalMembers } from './canonical.ts';
import {
  type Actor,
  type Core,
  type CoreDraft,
  coreKeys,
  coreSchema,
  envelopeVersion,
  itemTypePattern,
  maxCoreBytes,
  type Payload,
  payloadKeys,
  payloadSchema,
} from './core.ts';
import { eventHash, leafBytes, leafHash } from './digest.ts';
import { type ItemDraft, splitItem } from './item.ts';
import { commitment, openPayload, saltBytes, saltedBytes, type SealingKit, sealPayload } from './seal.ts';
import { utcTimePattern } from './time.ts';
import { isToken } from './token.ts';
import { upcastType } from './upcast.ts';

/** Where and by whom an item is recorded: everything in the core that is not the item itself. */
export type Placement = {
  readonly id: string;
  readonly stream: string;
  readonly seq: number;
  readonly tax: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** Our clock, where `time` came from outside. */
  readonly recorded?: string | undefined;
  readonly actor: Actor;
  readonly subject?: string | undefined;
  readonly cause?: string | undefined;
  readonly trace?: string | undefined;
  /** HMAC of the Idempotency-Key that began the stream. */
  readonly request?: string | undefined;
};

/** An event as it was read: checked against its hash, opened where its key still exists. */
export type LedgerEvent = {
  /** Today's word for the item type; `core.type` is the stored one. */
  readonly type: string;
  readonly core: Core;
  readonly payload: Payload | null;
  /** The core commits to a payload whose key is gone. */
  readonly erased: boolean;
};

/** An item at its place in its stream, split in two, not yet linked and sealed. */
export type PlacedItem = { readonly core: CoreDraft; readonly payload: Payload | null };

/**
 * Splits the item and gives it its place. The caller has checked the item (`findUnrecordable`). Throws ITEM_SHAPE for
 * what {@link decodeEvent} would refuse: a stream must never take an event that nobody can read back.
 */
export function placeItem(draft: ItemDraft, placement: Placement): PlacedItem {
  const { kept, payload } = splitItem(draft);
  refuseUnreadable(draft, placement);
  const core: Record<string, unknown> = { v: envelopeVersion, type: draft.item_type };
  for (const part of [placement, kept]) {
    for (const member in part) {
      const value = part[member as keyof typeof part];
      if (value !== undefined) core[member] = value;
    }
  }
  return { core: core as CoreDraft, payload };
}

/** What `splitItem` does not look at. By hand and not by schema: this is asked for every event, in the hottest path. */
function refuseUnreadable(draft: ItemDraft, { id, time, tax }: Placement): void {
  if (!uuidPattern.test(id)) throw refused('id', 'must be a UUID in lower case');
  if (!itemTypePattern.test(draft.item_type)) throw refused('item_type', 'must match [a-z][a-z0-9_]{1,63}');
  if (!utcTimePattern.test(time)) throw refused('timestamp', 'must be an RFC 3339 time in UTC');
  if (!isToken(tax)) throw refused('taxonomy_version', 'must be a token');
  for (const member of textMembers) {
    const value = draft[member];
    if (value !== undefined && value !== null && typeof value !== 'string')
      throw refused(member, 'must be text');
  }
  for (const member of objectMembers) {
    const value = draft[member];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'object' || Array.isArray(value)) throw refused(member, 'must be an object');
  }
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const textMembers = ['content', 'file_path', 'user_id', 'session_id'] as const;
const objectMembers = ['metadata', 'extra', 'record'] as const;

const refused = (member: string, cure: string): LedgerError =>
  new LedgerError('ITEM_SHAPE', { what: `The item's ${member} is refused`, cure: `it ${cure}` });

/**
 * Makes the bytes of one event: seals the payload, links the core to the event before (`prev`: base64 of that one's
 * hash, or the stream's chain start), canonicalises and hashes it. Throws TOO_LARGE for a core beyond 60,000 bytes.
 */
export function sealItem({ core, payload }: PlacedItem, prev: string, kit: SealingKit): ReadyEvent {
  const linked: Record<string, unknown> = { ...core, prev };
  let salted: Buffer | null = null;
  if (payload !== null) {
    salted = saltedBytes(kit.salt, canonicalMembers(payload, payloadKeys));
    linked['payload'] = { commit: commitment(salted), bytes: salted.byteLength - saltBytes };
  }
  const leaf = leafBytes(canonicalMembers(linked, coreKeys));
  const coreBytes = leaf.subarray(1);
  if (coreBytes.byteLength > maxCoreBytes) {
    throw new LedgerError('TOO_LARGE', { sizeBytes: coreBytes.byteLength, limitBytes: maxCoreBytes });
  }
  return {
    id: core.id,
    type: core.type,
    core: coreBytes,
    hash: leafHash(leaf),
    sealed: salted === null ? null : sealPayload(salted, core.stream, core.seq, kit),
  };
}

/**
 * Reads an event back: the core's bytes against their hash, what the store says beside it against the core, the payload
 * against its seal and commitment. Without a key the payload reads as erased. Throws CORRUPT_EVENT.
 */
export function decodeEvent(stored: StoredEvent, key: Uint8Array | undefined): LedgerEvent {
  const corrupt = (why: string, cause?: unknown): LedgerError =>
    new LedgerError(
      'CORRUPT_EVENT',
      { stream: stored.stream, sequence: stored.revision + 1, what: why },
      { cause },
    );
  if (!eventHash(stored.core).equals(stored.hash)) throw corrupt('its bytes do not have its hash');
  const parsed = coreSchema.safeParse(parseJson(stored.core, corrupt));
  if (!parsed.success) throw corrupt('its core has the wrong shape', parsed.error);
  const core = parsed.data;
  if (core.id !== stored.id || core.type !== stored.type)
    throw corrupt('it is stored under another id or type');
  if (core.stream !== stored.stream || core.seq !== stored.revision + 1)
    throw corrupt('it stands at another place');
  if ((core.payload === undefined) !== (stored.sealed === null))
    throw corrupt('its payload is not what it commits to');
  const event = { type: upcastType(core.type), core };
  if (core.payload === undefined || stored.sealed === null) return { ...event, payload: null, erased: false };
  if (key === undefined) return { ...event, payload: null, erased: true };
  const opened = openPayload(stored.sealed, core.stream, core.seq, key);
  if (opened === undefined) throw corrupt('its payload was not sealed for it');
  if (opened.byteLength - saltBytes !== core.payload.bytes || commitment(opened) !== core.payload.commit) {
    throw corrupt('its payload does not open its commitment');
  }
  const payload = payloadSchema.safeParse(parseJson(opened.subarray(saltBytes), corrupt));
  if (!payload.success) throw corrupt('its payload has the wrong shape', payload.error);
  return { ...event, payload: payload.data, erased: false };
}

function parseJson(bytes: Uint8Array, corrupt: (why: string, cause?: unknown) => LedgerError): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (cause) {
    throw corrupt('its bytes are no JSON', cause);
  }
}
