import { Buffer } from 'node:buffer';

/** All bytes of a stream in one piece; they are in memory as a whole. */
export async function collected(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
