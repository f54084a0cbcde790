import { isLedgerError } from '../errors.ts';
import type { MediaStore, OpenMedium } from './media-store.ts';

/** A medium that can be read as often as it is asked for; no file stays open between. */
export type HeldMedium = Pick<OpenMedium, 'sha256' | 'mediaType' | 'sizeBytes'> & {
  /** Throws MEDIA_CORRUPT at the end where the bytes have another digest. */
  readonly read: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
};

/** Finds media by their digest; undefined for what is not held, and for what is no digest at all. */
export const heldMedium =
  (media: Pick<MediaStore, 'open'>) =>
  async (sha256: string): Promise<HeldMedium | undefined> => {
    try {
      const { mediaType, sizeBytes, close } = await media.open(sha256);
      await close();
      return {
        sha256,
        mediaType,
        sizeBytes,
        async *read(signal) {
          yield* (await media.open(sha256)).read(signal);
        },
      };
    } catch (error) {
      if (!isLedgerError(error, 'MEDIA_NOT_FOUND')) throw error;
      return undefined;
    }
  };
