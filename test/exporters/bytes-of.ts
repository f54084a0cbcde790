import type { Exporter, Replay } from '../../src/exporters/contract.ts';

/** All bytes that an exporter writes. */
export const bytesOf = (
  exporter: Exporter,
  replay: Replay,
  signal: AbortSignal = new AbortController().signal,
): Promise<Buffer> => collectedBytes(exporter.export(replay, signal));

export async function collectedBytes(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of chunks) parts.push(part);
  return Buffer.concat(parts);
}
