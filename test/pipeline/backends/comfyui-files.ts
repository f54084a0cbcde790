import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import type { Graph } from './comfyui-nodes.ts';

/** The file that a save node leaves: the same for the same graph and number, and with the graph written into it. */
export function fileOf(
  graph: Graph,
  node: string,
  number: number,
): { readonly list: 'images' | 'audio'; readonly extension: string; readonly bytes: Buffer } {
  const said = asciiJson(graph);
  switch (graph[node]?.class_type) {
    case 'SaveAudio':
      return { list: 'audio', extension: 'flac', bytes: flac(secondsOf(graph), said) };
    case 'SaveAudioMP3':
      return { list: 'audio', extension: 'mp3', bytes: mp3(said) };
    default:
      return { list: 'images', extension: 'png', bytes: png(graph, number, said) };
  }
}

/** As Python writes JSON: everything beyond ASCII escaped. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function numberIn(graph: Graph, name: string): number | undefined {
  for (const { inputs } of Object.values(graph)) {
    const value = inputs[name];
    if (typeof value === 'number') return value;
  }
  return undefined;
}

const secondsOf = (graph: Graph): number => numberIn(graph, 'seconds') ?? 1;

/** One colour, out of everything that the graph says, in the size that it says. */
function png(graph: Graph, number: number, said: string): Buffer {
  const [width, height] = [numberIn(graph, 'width') ?? 8, numberIn(graph, 'height') ?? 8];
  const colour = createHash('sha256').update(`${said} ${number}`).digest().subarray(0, 3);
  const row = Buffer.concat([Buffer.of(0), Buffer.concat(Array.from({ length: width }, () => colour))]);
  const pixels = Buffer.concat(Array.from({ length: height }, () => row));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('tEXt', Buffer.from(`prompt\0${said}`, 'latin1')),
    chunk('IDAT', deflateSync(pixels, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.byteLength, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** The head of a FLAC of 44,100 Hz in stereo, with a comment and without sound. */
function flac(seconds: number, said: string): Buffer {
  const samples = Math.round(seconds * 44_100);
  const info = Buffer.alloc(34);
  info.writeUInt16BE(4096, 0);
  info.writeUInt16BE(4096, 2);
  // 20 bits of rate, 3 of channels less one, 5 of depth less one, 36 of samples.
  info.writeUIntBE((44_100 << 4) | (1 << 1) | 0, 10, 3);
  info.writeUInt8(0xf0, 13);
  info.writeUInt32BE(samples, 14);
  const text = Buffer.from(`PROMPT=${said}`);
  const comment = Buffer.alloc(12 + text.byteLength);
  comment.writeUInt32LE(0, 0);
  comment.writeUInt32LE(1, 4);
  comment.writeUInt32LE(text.byteLength, 8);
  text.copy(comment, 12);
  const block = (kind: number, data: Buffer): Buffer => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(data.byteLength, 0);
    head.writeUInt8(kind, 0);
    return Buffer.concat([head, data]);
  };
  return Buffer.concat([Buffer.from('fLaC'), block(0, info), block(0x84, comment)]);
}

/** A tag with a comment, and ten frames of silence: MPEG-1 layer III, 128 kbit/s, 44,100 Hz, stereo. */
function mp3(said: string): Buffer {
  const text = Buffer.from(`\0prompt\0${said}`, 'latin1');
  const frame = Buffer.alloc(10 + text.byteLength);
  frame.write('TXXX', 0, 'latin1');
  frame.writeUInt32BE(text.byteLength, 4);
  text.copy(frame, 10);
  const size = frame.byteLength;
  const sevens = [21, 14, 7, 0].map((shift) => (size >> shift) & 0x7f);
  const silence = Buffer.alloc(417);
  silence.set([0xff, 0xfb, 0x90, 0x00]);
  return Buffer.concat([
    Buffer.from([0x49, 0x44, 0x33, 3, 0, 0, ...sevens]),
    frame,
    ...Array.from({ length: 10 }, () => silence),
  ]);
}
