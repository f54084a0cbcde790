import type { Exporter, Replay } from '../../src/exporters/contract.ts';

/** All bytes that an exporter writes. */
export async function bytesOf(
  exporter: Exporter,
  replay: Replay,
  signal: AbortSignal = new AbortController().signal,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of exporter.export(replay, signal)) parts.push(part);
  return Buffer.concat(parts);
}
