import { Buffer } from 'node:buffer';
import { crc32, deflateSync } from 'node:zlib';

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A picture in one colour that every program can show. */
export function pngOf(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    return Buffer.concat([u32(data.byteLength), body, u32(crc32(body))]);
  };
  const header = Buffer.concat([u32(width), u32(height), Buffer.of(8, 0, 0, 0, 0)]);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc((width + 1) * height, 0x60))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** The head of a JPEG, behind a segment of 40,000 bytes and a fill byte; nothing can show it. */
export const jpegHead = (width: number, height: number): Uint8Array =>
  Buffer.concat([
    Buffer.of(0xff, 0xd8, 0xff, 0xe2, 0x9c, 0x42),
    Buffer.alloc(40_000),
    Buffer.of(0xff, 0xff, 0xc2, 0, 17, 8, height >> 8, height & 0xff, width >> 8, width & 0xff, 3),
    Buffer.alloc(9),
  ]);

/** The head of a GIF. */
export const gifHead = (width: number, height: number): Uint8Array =>
  Buffer.concat([
    Buffer.from('GIF89a', 'latin1'),
    Buffer.of(width & 0xff, width >> 8, height & 0xff, height >> 8, 0, 0, 0),
  ]);
