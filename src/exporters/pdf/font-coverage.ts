import { Buffer } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';

/** Has the font a glyph for this code point? */
export type FontCoverage = (codePoint: number) => boolean;

/**
 * Reads which characters a TrueType or OpenType file has glyphs for, from its `cmap` (formats 4 and 12) alone: a font of
 * 25 MB is looked into without being loaded. Throws on a file that has no such table.
 */
export function readFontCoverage(file: string): FontCoverage {
  const cmap = readTable(file, 'cmap');
  const starts: number[] = [];
  const ends: number[] = [];
  for (const [first, last] of rangesOf(cmap, file)) {
    starts.push(first);
    ends.push(last);
  }
  return (codePoint) => {
    const at = lastAtMost(starts, codePoint);
    return at >= 0 && codePoint <= (ends[at] ?? -1);
  };
}

function lastAtMost(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function readTable(file: string, tag: string): Buffer {
  const descriptor = openSync(file, 'r');
  const read = (position: number, length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    const got = readSync(descriptor, bytes, 0, length, position);
    if (got < length) throw new Error(`The font ${file} ends before byte ${position + length}`);
    return bytes;
  };
  try {
    const records = read(12, read(0, 12).readUInt16BE(4) * 16);
    for (let at = 0; at < records.byteLength; at += 16) {
      if (records.toString('latin1', at, at + 4) === tag)
        return read(records.readUInt32BE(at + 8), records.readUInt32BE(at + 12));
    }
  } finally {
    closeSync(descriptor);
  }
  throw new Error(`The font ${file} has no table ${tag}`);
}

type Range = readonly [first: number, last: number];

/** Ascending and apart from each other, as the format demands. The whole of Unicode is preferred to its first plane. */
function rangesOf(cmap: Buffer, file: string): Iterable<Range> {
  let firstPlane: number | undefined;
  for (let index = 0; index < cmap.readUInt16BE(2); index += 1) {
    const at = cmap.readUInt32BE(4 + index * 8 + 4);
    const format = cmap.readUInt16BE(at);
    if (format === 12) return groupsOf(cmap, at);
    if (format === 4) firstPlane ??= at;
  }
  if (firstPlane === undefined) throw new Error(`The font ${file} has no character map of format 4 or 12`);
  return segmentsOf(cmap, firstPlane);
}

function* groupsOf(cmap: Buffer, at: number): Iterable<Range> {
  const count = cmap.readUInt32BE(at + 12);
  for (let group = at + 16; group < at + 16 + count * 12; group += 12)
    yield [cmap.readUInt32BE(group), cmap.readUInt32BE(group + 4)];
}

function* segmentsOf(cmap: Buffer, at: number): Iterable<Range> {
  const size = cmap.readUInt16BE(at + 6);
  for (let segment = 0; segment < size; segment += 2) {
    const last = cmap.readUInt16BE(at + 14 + segment);
    const first = cmap.readUInt16BE(at + 16 + size + segment);
    const delta = cmap.readUInt16BE(at + 16 + size * 2 + segment);
    const offsetAt = at + 16 + size * 3 + segment;
    const offset = cmap.readUInt16BE(offsetAt);
    for (let code = first; code <= last && code < 0xffff; code += 1) {
      // A segment may name characters and map them to glyph 0, the one for characters without a glyph.
      const glyph = offset === 0 ? 0 : cmap.readUInt16BE(offsetAt + offset + (code - first) * 2);
      const hasGlyph = offset === 0 ? ((code + delta) & 0xffff) !== 0 : glyph !== 0;
      if (hasGlyph) yield [code, code];
    }
  }
}
