import { Buffer } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { crc32, createDeflateRaw } from 'node:zlib';

/** A file that goes into an archive. */
export type ZipEntry = {
  /** A relative path with `/`. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly crc32: number;
  /** False for what is compressed already. */
  readonly isDeflated: boolean;
  readonly read: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
};

/**
 * A ZIP archive (APPNOTE 6.3.10) of any size and number of entries, ZIP64 where it needs it. Every entry has the time
 * 1980-01-01, so that the bytes depend on no clock and on no time zone. Between two chunks the event loop is free: the
 * directory at the end comes in pieces. About 200 bytes an entry are kept until then. Throws where an entry is not what
 * it was said to be.
 */
export async function* zipArchive(
  entries: AsyncIterable<ZipEntry>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const written: Written[] = [];
  let offset = 0;
  const sent = (chunk: Uint8Array): Uint8Array => {
    offset += chunk.byteLength;
    return chunk;
  };
  for await (const entry of entries) {
    const header = { ...entry, nameBytes: Buffer.from(entry.name), offset };
    yield sent(localHeader(header));
    const before = offset;
    for await (const chunk of entry.isDeflated ? deflated(entry, signal) : checked(entry, signal))
      yield sent(chunk);
    const compressedBytes = offset - before;
    if (entry.isDeflated) yield sent(descriptor(header, compressedBytes));
    written.push({ ...header, compressedBytes });
  }
  const directoryAt = offset;
  for (let from = 0; from < written.length; from += entriesATurn)
    yield sent(Buffer.concat(written.slice(from, from + entriesATurn).map(directoryEntry)));
  yield endOfArchive(written.length, directoryAt, offset - directoryAt);
}

type Header = Omit<ZipEntry, 'read'> & { readonly nameBytes: Buffer; readonly offset: number };
type Written = Header & { readonly compressedBytes: number };

/** Entries of the directory that are made in one turn of the event loop: about a millisecond's work. */
const entriesATurn = 500;

/** From here on a 32-bit member says "see the ZIP64 one". */
const limit32 = 0xff_ff_ff_ff;
const limit16 = 0xff_ff;
/** What deflating cannot shrink grows by less than this share (5 bytes in each 16 KiB). */
const deflateMargin = 1.001;

const version = 45;
const madeBy = (3 << 8) | version;
const utf8Names = 0x0800;
const sizesFollow = 0x0008;
const deflate = 8;
/** 1980-01-01 00:00:00, the first that the format knows. */
const firstTime = 0;
const firstDate = 0x0021;
/** A file that its owner may write and everybody may read. */
const mode = 0o10_0644;

const isLarge = ({ sizeBytes }: Pick<Header, 'sizeBytes'>): boolean => sizeBytes * deflateMargin >= limit32;

async function* checked(entry: ZipEntry, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let sum = 0;
  let sizeBytes = 0;
  for await (const chunk of entry.read(signal)) {
    sum = crc32(chunk, sum);
    sizeBytes += chunk.byteLength;
    yield chunk;
  }
  if (sum !== entry.crc32 || sizeBytes !== entry.sizeBytes)
    throw new Error(`${entry.name} has changed since it was measured`);
}

function deflated(entry: ZipEntry, signal: AbortSignal): AsyncIterable<Uint8Array> {
  // Whatever goes wrong destroys the last stream too, and is thrown where that one is read.
  return pipeline(Readable.from(checked(entry, signal)), createDeflateRaw(), () => undefined);
}

function localHeader(entry: Header): Buffer {
  const { isDeflated, sizeBytes, nameBytes } = entry;
  const isZip64 = isLarge(entry);
  const known = isDeflated ? { crc: 0, size: 0 } : { crc: entry.crc32, size: sizeBytes };
  const size32 = isZip64 ? limit32 : known.size;
  return Buffer.concat([
    numbers(
      [4, 0x04_03_4b_50],
      [2, version],
      [2, isDeflated ? utf8Names | sizesFollow : utf8Names],
      [2, isDeflated ? deflate : 0],
      [2, firstTime],
      [2, firstDate],
      [4, known.crc],
      [4, size32],
      [4, size32],
      [2, nameBytes.byteLength],
      [2, isZip64 ? 20 : 0],
    ),
    nameBytes,
    isZip64 ? zip64Extra([known.size, known.size]) : Buffer.alloc(0),
  ]);
}

function descriptor(entry: Header, compressedBytes: number): Buffer {
  const width = isLarge(entry) ? 8 : 4;
  return numbers([4, 0x08_07_4b_50], [4, entry.crc32], [width, compressedBytes], [width, entry.sizeBytes]);
}

function directoryEntry(entry: Written): Buffer {
  const { isDeflated, sizeBytes, compressedBytes, nameBytes, offset } = entry;
  const sizes = isLarge(entry) ? [sizeBytes, compressedBytes] : [];
  const places = offset >= limit32 ? [offset] : [];
  const large = [...sizes, ...places];
  const extra = large.length === 0 ? Buffer.alloc(0) : zip64Extra(large);
  return Buffer.concat([
    numbers(
      [4, 0x02_01_4b_50],
      [2, madeBy],
      [2, version],
      [2, isDeflated ? utf8Names | sizesFollow : utf8Names],
      [2, isDeflated ? deflate : 0],
      [2, firstTime],
      [2, firstDate],
      [4, entry.crc32],
      [4, sizes.length > 0 ? limit32 : compressedBytes],
      [4, sizes.length > 0 ? limit32 : sizeBytes],
      [2, nameBytes.byteLength],
      [2, extra.byteLength],
      // No comment, the first disk, no inner attributes.
      [2, 0],
      [2, 0],
      [2, 0],
      [4, mode * 0x1_00_00],
      [4, places.length > 0 ? limit32 : offset],
    ),
    nameBytes,
    extra,
  ]);
}

function endOfArchive(count: number, directoryAt: number, directoryBytes: number): Buffer {
  const isZip64 = count >= limit16 || directoryAt >= limit32 || directoryBytes >= limit32;
  const at = directoryAt + directoryBytes;
  const large = isZip64
    ? numbers(
        [4, 0x06_06_4b_50],
        // The bytes of this record that follow.
        [8, 44],
        [2, madeBy],
        [2, version],
        [4, 0],
        [4, 0],
        [8, count],
        [8, count],
        [8, directoryBytes],
        [8, directoryAt],
        // The locator of that record.
        [4, 0x07_06_4b_50],
        [4, 0],
        [8, at],
        [4, 1],
      )
    : Buffer.alloc(0);
  const end = numbers(
    [4, 0x06_05_4b_50],
    [2, 0],
    [2, 0],
    [2, Math.min(count, limit16)],
    [2, Math.min(count, limit16)],
    [4, Math.min(directoryBytes, limit32)],
    [4, Math.min(directoryAt, limit32)],
    [2, 0],
  );
  return Buffer.concat([large, end]);
}

const zip64Extra = (values: readonly number[]): Buffer =>
  numbers([2, 1], [2, values.length * 8], ...values.map((value): Field => [8, value]));

type Field = readonly [bytes: number, value: number];

/** Little-endian numbers, one after the other. */
function numbers(...fields: readonly Field[]): Buffer {
  const buffer = Buffer.alloc(fields.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 8) buffer.writeBigUInt64LE(BigInt(value), at);
    else buffer.writeUIntLE(value, at, bytes);
    at += bytes;
  }
  return buffer;
}
