import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type MediumHeader, readMediumHeader } from '../../../src/pipeline/backends/medium-header.ts';

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
const u16 = (value: number): Buffer => Buffer.of(value & 0xff, value >> 8);
const u16be = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u32be = (value: number): Buffer => u32(value).swap32();
const riff = (kind: string, ...chunks: readonly Buffer[]): Buffer => {
  const body = Buffer.concat([latin(kind), ...chunks]);
  return Buffer.concat([latin('RIFF'), u32(body.byteLength), body]);
};
const wavFormat = [latin('fmt '), u32(16), u16(1), u16(2), u32(8_000), u32(32_000), u16(4), u16(16)];

/** Heads of media, written by hand after their specifications. */
const heads: readonly (readonly [string, MediumHeader, Buffer])[] = [
  [
    'PNG',
    { format: 'png', width: 1216, height: 832 },
    Buffer.concat([latin('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), u32be(1216), u32be(832), latin('\x08\x02\0\0\0')]),
  ],
  [
    'JPEG behind an EXIF segment and a fill byte',
    { format: 'jpeg', width: 640, height: 480 },
    Buffer.concat([
      latin('\xff\xd8\xff\xe1\0\x08Exif\0\0\xff\xff\xc2\0\x11\x08'),
      u16be(480),
      u16be(640),
      latin('\x03\x01\x22\0'),
    ]),
  ],
  [
    'GIF',
    { format: 'gif', width: 300, height: 2 },
    Buffer.concat([latin('GIF89a'), u16(300), u16(2), latin('\0\0\0')]),
  ],
  [
    'WebP, lossy',
    { format: 'webp', width: 550, height: 368 },
    riff('WEBP', latin('VP8 '), u32(100), latin('\0\0\0\x9d\x01\x2a'), u16(550), u16(368 | 0x4000)),
  ],
  [
    'WebP, lossless',
    { format: 'webp', width: 401, height: 299 },
    riff('WEBP', latin('VP8L'), u32(100), latin('\x2f'), u32((401 - 1) | ((299 - 1) << 14))),
  ],
  [
    'WebP, extended',
    { format: 'webp', width: 1000, height: 700 },
    riff('WEBP', latin('VP8X'), u32(10), latin('\0\0\0\0'), u32(999).subarray(0, 3), u32(699).subarray(0, 3)),
  ],
  [
    'WAV with a list before its data',
    { format: 'wav', sample_rate: 8_000, channels: 2, duration_seconds: 1.5 },
    riff('WAVE', ...wavFormat, latin('LIST'), u32(3), latin('abc\0'), latin('data'), u32(48_000)),
  ],
  [
    'FLAC',
    { format: 'flac', sample_rate: 44_100, channels: 2, duration_seconds: 2 },
    Buffer.concat([
      latin('fLaC\x80\0\0\x22\x10\0\x10\0\0\0\0\0\0\0'),
      Buffer.from([0x0a, 0xc4, 0x42, 0xf0]),
      u32be(88_200),
      Buffer.alloc(16),
    ]),
  ],
  [
    'MP3 behind a tag, mono, MPEG-2',
    { format: 'mp3', sample_rate: 22_050, channels: 1 },
    Buffer.concat([
      latin('ID3\x03\0\0\0\0\x01\x02'),
      Buffer.alloc(130),
      Buffer.from([0xff, 0xf3, 0x80, 0xc4]),
    ]),
  ],
  [
    'MP3 without a tag',
    { format: 'mp3', sample_rate: 44_100, channels: 2 },
    Buffer.from([0xff, 0xfb, 0x90, 0x64]),
  ],
  ['Ogg', { format: 'ogg' }, latin('OggS\0\x02')],
  ['MP4', { format: 'mp4' }, latin('\0\0\0\x20ftypisom')],
  ['WebM', { format: 'webm' }, latin('\x1a\x45\xdf\xa3webm')],
  ['text', {}, latin('no medium')],
  ['nothing', {}, Buffer.alloc(0)],
];

test.each(heads)('the header of %s says %j', (_, said, bytes) => {
  expect(readMediumHeader(bytes)).toEqual(said);
});

test('bytes that are cut off or spoilt anywhere are no fault', () => {
  const head = fc.constantFrom(...heads.map(([, , bytes]) => bytes));
  fc.assert(
    fc.property(head, fc.nat(200), fc.nat(200), fc.nat(255), (bytes, length, at, value) => {
      const spoilt = Buffer.from(bytes.subarray(0, length));
      if (at < spoilt.byteLength) spoilt[at] = value;
      for (const member of Object.values(readMediumHeader(spoilt))) {
        if (typeof member === 'number') expect(member).toBeGreaterThanOrEqual(0);
      }
    }),
    { numRuns: 2_000 },
  );
});
