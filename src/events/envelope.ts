import { LedgerError } from '../errors.ts';
import type { ReadyEvent, StoredEvent } from './stored-event.ts';
import { canonicalBytes } from './canonical.ts';
import {
  type Actor,
  type Core,
  type CoreDraft,
  coreSchema,
  envelopeVersion,
  maxCoreBytes,
  type Payload,
  payloadSchema,
} from './core.ts';
import { eventHash } from './digest.ts';
import { type ItemDraft, splitItem } from './item.ts';
import { commitment, openPayload, type SealingKit, sealPayload } from './seal.ts';
import { upcastType } from './upcast.ts';
import type { z } from 'zod';

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

const coreDraft = coreSchema.omit({ prev: true, payload: true });

/**
 * Splits the item and gives it its place. The caller has checked the item (`findUnrecordable`). Throws ITEM_SHAPE for
 * what {@link decodeEvent} would refuse: a stream must never take an event that nobody can read back.
 */
export function placeItem(draft: ItemDraft, placement: Placement): PlacedItem {
  const { kept, payload } = splitItem(draft);
  const core: Record<string, unknown> = { v: envelopeVersion, type: draft.item_type };
  for (const [member, value] of Object.entries({ ...placement, ...kept })) {
    if (value !== undefined) core[member] = value;
  }
  refuseShape(coreDraft.safeParse(core));
  if (payload !== null) refuseShape(payloadSchema.safeParse(payload));
  return { core: core as CoreDraft, payload };
}

function refuseShape({ error }: { readonly error?: z.ZodError | undefined }): void {
  if (error === undefined) return;
  const [issue] = error.issues;
  const member = issue?.path.join('.') ?? '';
  throw new LedgerError(
    'ITEM_SHAPE',
    {
      what: `The item's ${memberNames.get(member) ?? member} is refused`,
      cure: issue?.message ?? 'mend its shape',
    },
    { cause: error },
  );
}

/** What a member of the core is called in an item. */
const memberNames: ReadonlyMap<string, string> = new Map([
  ['type', 'item_type'],
  ['time', 'timestamp'],
]);

/**
 * Makes the bytes of one event: seals the payload, links the core to the event before (`prev`: base64 of that one's
 * hash, or the stream's chain start), canonicalises and hashes it. Throws TOO_LARGE for a core beyond 60,000 bytes.
 */
export function sealItem({ core, payload }: PlacedItem, prev: string, kit: SealingKit): ReadyEvent {
  const bytes = payload === null ? null : canonicalBytes(payload);
  const commit =
    bytes === null ? {} : { payload: { commit: commitment(kit.salt, bytes), bytes: bytes.byteLength } };
  const coreBytes = canonicalBytes({ ...core, prev, ...commit });
  if (coreBytes.byteLength > maxCoreBytes) {
    throw new LedgerError('TOO_LARGE', { sizeBytes: coreBytes.byteLength, limitBytes: maxCoreBytes });
  }
  return {
    id: core.id,
    type: core.type,
    core: coreBytes,
    hash: eventHash(coreBytes),
    sealed: bytes === null ? null : sealPayload(bytes, core.stream, core.seq, kit),
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
  if (
    opened.payload.byteLength !== core.payload.bytes ||
    commitment(opened.salt, opened.payload) !== core.payload.commit
  ) {
    throw corrupt('its payload does not open its commitment');
  }
  const payload = payloadSchema.safeParse(parseJson(opened.payload, corrupt));
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
