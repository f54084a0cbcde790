import type { Localized } from '../../events/localized.ts';
import type { Replay } from '../contract.ts';
import { type PictureSize, readPictureSize } from '../picture-size.ts';
import { soundBytes } from '../sound-bytes.ts';
import type { WithheldPicture } from './withheld-picture.ts';

/** A picture that stands in the document, or why it does not. */
export type Picture =
  | {
      readonly kind: 'shown';
      readonly bytes: Uint8Array;
      readonly extension: string;
      readonly size: PictureSize;
    }
  | WithheldPicture;

/** Held in memory one at a time, and whole, so that a damaged one is known before it stands in the file. */
const maxPictureBytes = 64 * 1024 * 1024;
/** Word opens no document of more than 512 MB. */
export const maxPicturesBytes = 384 * 1024 * 1024;

const extensions: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/gif': 'gif',
};

const reasons = {
  missing: { en: 'it is not stored here', de: 'es ist hier nicht gespeichert' },
  type: { en: 'Word does not show this type everywhere', de: 'Word zeigt diesen Typ nicht überall' },
  large: { en: 'it is too large for a Word document', de: 'es ist zu groß für ein Word-Dokument' },
  damaged: { en: 'its stored bytes are damaged', de: 'seine gespeicherten Bytes sind beschädigt' },
  unreadable: { en: 'its size cannot be read', de: 'seine Größe ist nicht lesbar' },
} as const satisfies Readonly<Record<string, Localized>>;

/**
 * The picture of a digest, with `roomBytes` left for it. Whatever is wrong with it does not fail the report. WebP, AVIF
 * and SVG are named only: Word shows the first two not before 2021, and the last may hold scripts.
 */
export async function pictureOf(
  sha256: string,
  { medium: find, roomBytes }: { readonly medium: Replay['medium']; readonly roomBytes: number },
  signal: AbortSignal,
): Promise<Picture> {
  const medium = await find(sha256);
  if (medium === undefined) return { kind: 'withheld', mediaType: '?', reason: reasons.missing };
  const { mediaType, sizeBytes } = medium;
  const withheld = (reason: Localized): Picture => ({ kind: 'withheld', mediaType, reason });
  const extension = extensions[mediaType];
  if (extension === undefined) return withheld(reasons.type);
  if (sizeBytes > Math.min(maxPictureBytes, roomBytes)) return withheld(reasons.large);
  const bytes = await soundBytes(medium, signal);
  if (bytes === undefined) return withheld(reasons.damaged);
  const size = readPictureSize(bytes);
  if (size === undefined) return withheld(reasons.unreadable);
  return { kind: 'shown', bytes, extension, size };
}
