import { positionOf } from './position.ts';
import type { Recorded } from './store.ts';

/**
 * A ReadResp with one event, in the bytes of the wire. Written by hand because every event that is read goes through
 * here: the generated stubs take several times as long. The client reads it back with them.
 */
export function encodeEvent(event: Recorded): Buffer {
  const position = positionOf(event.ordinal);
  const contentType = event.isJson ? 'application/json' : 'application/octet-stream';
  const entries = [
    mapEntry('type', event.type),
    mapEntry('content-type', contentType),
    mapEntry('created', createdTicks),
  ];
  const id = lengthPrefixed(field.uuidString, Buffer.from(event.id, 'latin1'));
  const stream = lengthPrefixed(field.streamName, Buffer.from(event.stream));
  const recordBytes =
    sizeOf(id.length) +
    sizeOf(stream.length) +
    1 +
    varintSize(event.revision) +
    2 * (1 + varintSize(position)) +
    entries.reduce((sum, entry) => sum + sizeOf(entry.length), 0) +
    sizeOf(event.metadata.length) +
    sizeOf(event.data.length);
  const readEventBytes = sizeOf(recordBytes) + 1 + varintSize(position);
  const bytes = Buffer.allocUnsafe(sizeOf(readEventBytes));
  let at = writeLength(bytes, 0, field.event, readEventBytes);
  at = writeLength(bytes, at, field.event, recordBytes);
  at = writeBytes(bytes, at, field.id, id);
  at = writeBytes(bytes, at, field.stream, stream);
  at = writeNumber(bytes, at, field.revision, event.revision);
  at = writeNumber(bytes, at, field.prepare, position);
  at = writeNumber(bytes, at, field.commit, position);
  for (const entry of entries) at = writeBytes(bytes, at, field.metadata, entry);
  at = writeBytes(bytes, at, field.customMetadata, event.metadata);
  at = writeBytes(bytes, at, field.data, event.data);
  writeNumber(bytes, at, field.eventCommit, position);
  return bytes;
}

/** The log keeps no time of its own; one instant for all, in the server's unit of 100 ns. */
const createdTicks = '17000000000000000';

const lengthDelimited = 2;
/** Field numbers of ReadResp, ReadEvent, RecordedEvent, UUID and StreamIdentifier. */
const field = {
  event: 1,
  eventCommit: 3,
  id: 1,
  stream: 2,
  revision: 3,
  prepare: 4,
  commit: 5,
  metadata: 6,
  customMetadata: 7,
  data: 8,
  uuidString: 2,
  streamName: 3,
} as const;

const entryCache = new Map<string, Buffer>();
const maxCachedEntries = 1000;

function mapEntry(key: string, value: string): Buffer {
  const cacheKey = `${key}=${value}`;
  const cached = entryCache.get(cacheKey);
  if (cached !== undefined) return cached;
  const entry = Buffer.concat([
    lengthPrefixed(1, Buffer.from(key)),
    lengthPrefixed(2, Buffer.from(value, 'latin1')),
  ]);
  if (entryCache.size >= maxCachedEntries) entryCache.clear();
  entryCache.set(cacheKey, entry);
  return entry;
}

function lengthPrefixed(number: number, content: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(sizeOf(content.length));
  writeBytes(bytes, 0, number, content);
  return bytes;
}

/** A field of this content: tag, length, content. Every tag here takes one byte. */
function sizeOf(contentBytes: number): number {
  return 1 + varintSize(contentBytes) + contentBytes;
}

function varintSize(value: number): number {
  let size = 1;
  for (let left = value; left >= 128; left = Math.floor(left / 128)) size += 1;
  return size;
}

function writeVarint(target: Buffer, start: number, value: number): number {
  let at = start;
  let left = value;
  // Division, not shifts: positions outgrow 32 bits.
  for (; left >= 128; left = Math.floor(left / 128)) target[at++] = (left % 128) | 128;
  target[at++] = left;
  return at;
}

function writeNumber(target: Buffer, start: number, number: number, value: number): number {
  target[start] = number << 3;
  return writeVarint(target, start + 1, value);
}

function writeLength(target: Buffer, start: number, number: number, contentBytes: number): number {
  target[start] = (number << 3) | lengthDelimited;
  return writeVarint(target, start + 1, contentBytes);
}

function writeBytes(target: Buffer, start: number, number: number, content: Uint8Array): number {
  const at = writeLength(target, start, number, content.length);
  target.set(content, at);
  return at + content.length;
}
