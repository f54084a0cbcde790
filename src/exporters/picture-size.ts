import { Buffer } from 'node:buffer';

/** Pixels as the bytes themselves say; a picture may claim any. */
export type PictureSize = { readonly width: number; readonly height: number };

/** Of a PNG, JPEG, GIF or WebP; undefined for other bytes, a header that is cut off, and one that says zero. */
export function readPictureSize(picture: Uint8Array): PictureSize | undefined {
  const bytes = Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength);
  const reader = readers.find(({ at, magic }) => isAt(bytes, at, magic));
  try {
    const size = reader?.read(bytes);
    return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

type Reader = {
  readonly at: number;
  /** Latin-1. */
  readonly magic: string;
  /** May read past the end, which throws a RangeError. */
  readonly read: (bytes: Buffer) => PictureSize | undefined;
};

const isAt = (bytes: Buffer, at: number, magic: string): boolean =>
  bytes.toString('latin1', at, at + magic.length) === magic;

const readers: readonly Reader[] = [
  {
    at: 0,
    magic: '\x89PNG\r\n\x1a\n',
    read: (bytes) => ({ width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }),
  },
  {
    at: 0,
    magic: 'GIF8',
    read: (bytes) => ({ width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }),
  },
  { at: 0, magic: '\xff\xd8', read: jpeg },
  { at: 8, magic: 'WEBP', read: webp },
];

/** Walks the segments to the first frame header, SOF0 to SOF15 without the three that are tables; it may stand behind a large thumbnail. */
function jpeg(bytes: Buffer): PictureSize | undefined {
  for (let at = 2; ; at += 2 + bytes.readUInt16BE(at + 2)) {
    while (bytes.readUInt8(at) === 0xff && bytes.readUInt8(at + 1) === 0xff) at += 1;
    if (bytes.readUInt8(at) !== 0xff) return undefined;
    const marker = bytes.readUInt8(at + 1);
    if (marker === startOfScan || marker === endOfImage) return undefined;
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
  }
}

const startOfScan = 0xda;
const endOfImage = 0xd9;

function webp(bytes: Buffer): PictureSize | undefined {
  if (isAt(bytes, 12, 'VP8X'))
    return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (isAt(bytes, 12, 'VP8 '))
    return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  if (!isAt(bytes, 12, 'VP8L')) return undefined;
  const packed = bytes.readUInt32LE(21);
  return { width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 };
}
