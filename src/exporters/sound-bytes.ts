import { Buffer } from 'node:buffer';
import { type ErrorCode, LedgerError } from '../errors.ts';
import type { ReplayedMedium } from './contract.ts';

/** All bytes of a medium; undefined where they are not those that were stored, cannot be read, or are gone. */
export async function soundBytes(medium: ReplayedMedium, signal: AbortSignal): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  try {
    // Copied: a reader may use its buffer again.
    for await (const chunk of medium.read(signal)) chunks.push(Uint8Array.from(chunk));
  } catch (error) {
    if (error instanceof LedgerError && lostMedium.has(error.code)) return undefined;
    throw error;
  }
  return Buffer.concat(chunks);
}

const lostMedium: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['MEDIA_CORRUPT', 'MEDIA_NOT_FOUND']);
