import { isLedgerError, LedgerError } from '../errors.ts';
import { isOfTheDisk } from '../disk/disk-refusal.ts';
import type { MediaStore, OpenMedium } from './media-store.ts';

/** A medium that can be read as often as it is asked for; no file stays open between. */
export type HeldMedium = Pick<OpenMedium, 'sha256' | 'mediaType' | 'sizeBytes'> & {
  /** Throws MEDIA_CORRUPT where the disk cannot read it, or at the end where the bytes have another digest. */
  readonly read: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
};

/**
 * Finds media by their digest; undefined for what is not held, and for what is no digest at all. One that lies there and
 * cannot be read is damaged: whoever exports a run says so, and goes on.
 */
export const heldMedium =
  (media: Pick<MediaStore, 'open'>) =>
  async (sha256: string): Promise<HeldMedium | undefined> => {
    const damaged = (cause: unknown): LedgerError => new LedgerError('MEDIA_CORRUPT', { sha256 }, { cause });
    const read = async function* (signal: AbortSignal): AsyncGenerator<Uint8Array> {
      try {
        yield* (await media.open(sha256)).read(signal);
      } catch (error) {
        throw isOfTheDisk(error) ? damaged(error) : error;
      }
    };
    try {
      const { mediaType, sizeBytes, close } = await media.open(sha256);
      await close();
      return { sha256, mediaType, sizeBytes, read };
    } catch (error) {
      if (isLedgerError(error, 'MEDIA_NOT_FOUND')) return undefined;
      if (isOfTheDisk(error)) return { sha256, mediaType: 'application/octet-stream', sizeBytes: 0, read };
      throw error;
    }
  };
