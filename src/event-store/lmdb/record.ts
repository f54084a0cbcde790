import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ReadyEvent } from '../../events/stored-event.ts';

/**
 * One stored event, all integers big-endian:
 *
 *   0 crc u32 | 4 stream u32 | 8 revision u32 | 12 core length u32 | 16 sealed length + 1, or 0 without, u32
 *   20 type length u8 | 21 hash 32 | 53 id 16 | 69 type | 0x00 | core | sealed
 *
 * The zero byte before the core makes 0x00 ‖ E one piece, so that reading hashes without copying. The hash speaks for the
 * core, the crc for everything else: no stored byte can change unnoticed.
 */
export type EventRecord = {
  readonly streamNumber: number;
  readonly revision: number;
  readonly event: ReadyEvent;
};

const headBytes = 69;

/** The bytes that `encodeRecord` will write. */
export function recordSize(event: ReadyEvent): number {
  return headBytes + event.type.length + 1 + event.core.length + (event.sealed?.length ?? 0);
}

/** Writes the record at `start` of `target`, which has room for `recordSize`; copies every byte once. Returns its end. */
export function encodeRecord(
  target: Buffer,
  start: number,
  streamNumber: number,
  revision: number,
  event: ReadyEvent,
): number {
  const { type, core, sealed } = event;
  writeU32(target, start + 4, streamNumber);
  writeU32(target, start + 8, revision);
  writeU32(target, start + 12, core.length);
  writeU32(target, start + 16, sealed === null ? 0 : sealed.length + 1);
  target[start + 20] = type.length;
  target.set(event.hash, start + 21);
  writeUuid(target, start + 53, event.id);
  target.write(type, start + headBytes, 'latin1');
  const zero = start + headBytes + type.length;
  target[zero] = 0;
  target.set(core, zero + 1);
  const sealedStart = zero + 1 + core.length;
  if (sealed !== null) target.set(sealed, sealedStart);
  const end = sealedStart + (sealed?.length ?? 0);
  writeU32(target, start, checksum(target, start + 4, zero + 1, sealedStart, end));
  return end;
}

/**
 * Reads a record that `bytes` is exactly; the event's arrays are views of `bytes`, which the caller gives away.
 * Returns a sentence about the damage where the bytes are not what was stored.
 */
export function decodeRecord(bytes: Buffer): EventRecord | string {
  if (bytes.length <= headBytes) return 'the record is cut short';
  const coreStart = headBytes + (bytes[20] ?? 0) + 1;
  const sealedStart = coreStart + readU32(bytes, 12);
  const sealedField = readU32(bytes, 16);
  const end = sealedStart + (sealedField === 0 ? 0 : sealedField - 1);
  if (end !== bytes.length) return 'its lengths do not add up';
  if (readU32(bytes, 0) !== checksum(bytes, 4, coreStart, sealedStart, end)) return 'its checksum differs';
  const stored = bytes.subarray(21, 53);
  if (!stored.equals(hash('sha256', bytes.subarray(coreStart - 1, sealedStart), 'buffer'))) {
    return 'its hash differs';
  }
  return {
    streamNumber: readU32(bytes, 4),
    revision: readU32(bytes, 8),
    event: {
      id: readUuid(bytes, 53),
      type: bytes.toString('latin1', headBytes, coreStart - 1),
      core: bytes.subarray(coreStart, sealedStart),
      hash: stored,
      sealed: sealedField === 0 ? null : bytes.subarray(sealedStart, end),
    },
  };
}

/** The id of a record without decoding the rest. */
export function idOf(bytes: Uint8Array): string {
  return readUuid(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 53);
}

function checksum(bytes: Buffer, start: number, coreStart: number, sealedStart: number, end: number): number {
  const head = crc32(bytes.subarray(start, coreStart));
  return end === sealedStart ? head : crc32(bytes.subarray(sealedStart, end), head);
}

export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}

const dash = 45;

function writeUuid(target: Uint8Array, at: number, id: string): void {
  for (let from = 0, to = at; from < 36; ) {
    if (id.charCodeAt(from) === dash) from++;
    target[to++] = (nibble(id.charCodeAt(from)) << 4) | nibble(id.charCodeAt(from + 1));
    from += 2;
  }
}

// The id was checked to be lower-case hexadecimal: '0' is 48, 'a' is 97.
function nibble(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}

function readUuid(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
