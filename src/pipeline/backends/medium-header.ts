import { Buffer } from 'node:buffer';

/** What a medium's own bytes say of it; a member that they do not say is absent. */
export type MediumHeader = {
  /** `png`, `jpeg`, `webp`, `gif`, `wav`, `flac`, `mp3`, `ogg`, `mp4`, `webm`. */
  readonly format?: string;
  readonly width?: number;
  readonly height?: number;
  /** Hertz. */
  readonly sample_rate?: number;
  readonly channels?: number;
  readonly duration_seconds?: number;
};

/**
 * Reads format, size, rate and length out of a medium's first bytes: a backend may make another size than it was asked
 * for. Bytes that are cut off or unknown give what could be read, at worst `{}`; nothing is thrown.
 */
export function readMediumHeader(medium: Uint8Array): MediumHeader {
  const bytes = Buffer.from(medium.buffer, medium.byteOffset, medium.byteLength);
  const found = readers.find(({ at = 0, magic }) => has(bytes, at, magic));
  if (found === undefined) return isMpegFrame(bytes, 0) ? mp3(bytes) : {};
  try {
    return found.read(bytes);
  } catch (error) {
    // The bytes end within the header.
    if (error instanceof RangeError) return {};
    throw error;
  }
}

type Reader = {
  readonly at?: number;
  /** Latin-1. */
  readonly magic: string;
  readonly read: (bytes: Buffer) => MediumHeader;
};

const has = (bytes: Buffer, at: number, magic: string): boolean =>
  bytes.toString('latin1', at, at + magic.length) === magic;

const readers: readonly Reader[] = [
  {
    magic: '\x89PNG\r\n\x1a\n',
    read: (bytes) => ({ format: 'png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }),
  },
  { magic: '\xff\xd8\xff', read: jpeg },
  {
    magic: 'GIF8',
    read: (bytes) => ({ format: 'gif', width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }),
  },
  { at: 8, magic: 'WEBP', read: webp },
  { at: 8, magic: 'WAVE', read: wav },
  { magic: 'fLaC', read: flac },
  { magic: 'ID3', read: mp3 },
  { magic: 'OggS', read: () => ({ format: 'ogg' }) },
  { at: 4, magic: 'ftyp', read: () => ({ format: 'mp4' }) },
  { magic: '\x1a\x45\xdf\xa3', read: () => ({ format: 'webm' }) },
];

/** Markers that carry a size: start of frame, save the three that only share the range. */
const isFrameStart = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

function jpeg(bytes: Buffer): MediumHeader {
  let at = 2;
  while (at + 9 <= bytes.byteLength) {
    const marker = bytes.readUInt8(at + 1);
    if (bytes.readUInt8(at) !== 0xff) break;
    if (isFrameStart(marker)) {
      return { format: 'jpeg', width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    }
    // 0xff may be repeated before a marker.
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return { format: 'jpeg' };
}

function webp(bytes: Buffer): MediumHeader {
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return {
        format: 'webp',
        width: bytes.readUInt16LE(26) & 0x3fff,
        height: bytes.readUInt16LE(28) & 0x3fff,
      };
    case 'VP8L': {
      const packed = bytes.readUInt32LE(21);
      return { format: 'webp', width: (packed & 0x3fff) + 1, height: ((packed >> 14) & 0x3fff) + 1 };
    }
    case 'VP8X':
      return { format: 'webp', width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
    default:
      return { format: 'webp' };
  }
}

function wav(bytes: Buffer): MediumHeader {
  let rate = 0;
  let channels = 0;
  let bytesPerSecond = 0;
  for (let at = 12; at + 8 <= bytes.byteLength; ) {
    const sizeBytes = bytes.readUInt32LE(at + 4);
    const kind = bytes.toString('latin1', at, at + 4);
    if (kind === 'fmt ') {
      channels = bytes.readUInt16LE(at + 10);
      rate = bytes.readUInt32LE(at + 12);
      bytesPerSecond = bytes.readUInt32LE(at + 16);
    }
    if (kind === 'data' && bytesPerSecond > 0) {
      const duration_seconds = sizeBytes / bytesPerSecond;
      return { format: 'wav', sample_rate: rate, channels, duration_seconds };
    }
    at += 8 + sizeBytes + (sizeBytes % 2);
  }
  return { format: 'wav' };
}

/** STREAMINFO comes first in every FLAC: 20 bits of rate, 3 of channels − 1, 5 of depth, 36 of samples. */
function flac(bytes: Buffer): MediumHeader {
  const sampleRate = bytes.readUIntBE(18, 3) >> 4;
  const channels = ((bytes.readUInt8(20) >> 1) & 0x07) + 1;
  const samples = (bytes.readUInt8(21) & 0x0f) * 2 ** 32 + bytes.readUInt32BE(22);
  const known = samples > 0 && sampleRate > 0 ? { duration_seconds: samples / sampleRate } : {};
  return { format: 'flac', sample_rate: sampleRate, channels, ...known };
}

function isMpegFrame(bytes: Buffer, at: number): boolean {
  const [first = 0, second = 0, third = 0] = bytes.subarray(at, at + 3);
  const isLayerThree = (second & 0xe6) === 0xe2 && (second & 0x18) !== 0x08;
  return first === 0xff && isLayerThree && third >> 4 !== 0xf && third >> 4 !== 0 && (third & 0x0c) !== 0x0c;
}

/** By the first frame, behind a tag that says its own length in four times seven bits. */
function mp3(bytes: Buffer): MediumHeader {
  const isTagged = has(bytes, 0, 'ID3') && bytes.byteLength >= 10;
  const tagBytes = isTagged
    ? 10 + [6, 7, 8, 9].reduce((size, at) => size * 128 + (bytes.readUInt8(at) & 0x7f), 0)
    : 0;
  if (!isMpegFrame(bytes, tagBytes) || bytes.byteLength < tagBytes + 4) return { format: 'mp3' };
  const version = (bytes.readUInt8(tagBytes + 1) >> 3) & 0x03;
  const rate = [44_100, 48_000, 32_000][(bytes.readUInt8(tagBytes + 2) >> 2) & 0x03] ?? 0;
  const isMono = bytes.readUInt8(tagBytes + 3) >> 6 === 3;
  const halved = version === 3 ? 1 : version === 2 ? 2 : 4;
  return { format: 'mp3', sample_rate: rate / halved, channels: isMono ? 1 : 2 };
}
