import { Buffer } from 'node:buffer';
import { constants, crc32, deflateSync } from 'node:zlib';

/**
 * A PNG of 8-bit RGB, with text chunks in Latin-1. The bytes depend on the input only: run-length matching alone keeps
 * clear of zlib's hash chains, which differ between processors.
 */
export function encodePng(
  width: number,
  height: number,
  rgb: Uint8Array,
  texts: Readonly<Record<string, string>>,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const pixels = deflateSync(filterRows(width, height, rgb), { strategy: constants.Z_RLE, level: 6 });
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    ...Object.entries(texts).map(([key, text]) => chunk('tEXt', Buffer.from(`${key}\0${text}`, 'latin1'))),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const up = 2;

/** Each row as the difference from the one above: flat areas and gradients become runs. */
function filterRows(width: number, height: number, rgb: Uint8Array): Buffer {
  const stride = width * 3;
  const rows = Buffer.alloc((stride + 1) * height);
  for (let row = 0; row < height; row += 1) {
    const target = row * (stride + 1);
    rows[target] = up;
    for (let at = 0; at < stride; at += 1) {
      const above = row === 0 ? 0 : (rgb[(row - 1) * stride + at] ?? 0);
      rows[target + 1 + at] = (rgb[row * stride + at] ?? 0) - above;
    }
  }
  return rows;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}
