import { Buffer } from 'node:buffer';
import type { OpenMedium } from './media-store.ts';

/** A medium's bytes, or a range of them, in one piece. Throws MEDIA_CORRUPT where a whole medium is not what was stored. */
export async function mediumBytes(
  medium: OpenMedium,
  signal: AbortSignal,
  range?: { readonly start: number; readonly end: number },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  // Copied: a reader may use its buffer again.
  for await (const chunk of medium.read(signal, range)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}
