import type { Language, Localized } from '../../events/localized.ts';
import type { Replay, ReplayedMedium } from '../contract.ts';
import type { Block } from '../outline.ts';
import { readPictureSize } from '../picture-size.ts';
import { soundBytes } from '../sound-bytes.ts';

/** A picture that the typesetter is given. */
export type Picture = {
  readonly kind: 'picture';
  readonly mediaType: string;
  /** As the typesetter calls it. */
  readonly format: string;
  readonly bytes: Uint8Array;
};

/** One that stands in the report by its name only. */
export type UnshownPicture = {
  readonly kind: 'unshown';
  readonly mediaType: string;
  readonly reason: Localized;
};

/** By their digests. */
export type Pictures = ReadonlyMap<string, Picture | UnshownPicture>;

/** SVG is never among them: it is a program more than a picture. */
const formats: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
};

/** A picture's pixels lie open in memory, four bytes each: 160 MiB. A few kilobytes may claim gigabytes. */
const maxPixels = 40 * 1024 * 1024;
/** Of all pictures of a report together. */
const maxPixelsInAll = 64 * 1024 * 1024;
const maxBytes = 64 * 1024 * 1024;

const reasons = {
  type: { en: 'it is of a type that cannot stand in a PDF', de: 'dieser Typ kann nicht in einem PDF stehen' },
  size: { en: 'it is too large', de: 'es ist zu groß' },
  room: { en: 'the pictures before it fill the report', de: 'die Bilder davor füllen den Bericht' },
  damaged: { en: 'it is damaged', de: 'es ist beschädigt' },
  unreadable: { en: 'it cannot be read', de: 'es kann nicht gelesen werden' },
} as const;

/** Reads the pictures that the blocks name; one that is damaged or gone is told of by its name. */
export async function picturesOf(
  blocks: readonly Block[],
  replay: Replay,
  signal: AbortSignal,
): Promise<Pictures> {
  const pictures = new Map<string, Picture | UnshownPicture>();
  let pixels = 0;
  for (const block of blocks) {
    if (block.kind !== 'picture' || pictures.has(block.sha256)) continue;
    const medium = await replay.medium(block.sha256);
    // The outline has looked at it a moment ago, and it has gone since.
    if (medium === undefined) {
      pictures.set(block.sha256, { kind: 'unshown', mediaType: '?', reason: reasons.damaged });
      continue;
    }
    const { picture, pixels: own } = await pictureOf(medium, maxPixelsInAll - pixels, signal);
    if (picture.kind === 'picture') pixels += own;
    pictures.set(block.sha256, picture);
  }
  return pictures;
}

async function pictureOf(
  medium: ReplayedMedium,
  room: number,
  signal: AbortSignal,
): Promise<{ readonly picture: Picture | UnshownPicture; readonly pixels: number }> {
  const { mediaType, sizeBytes } = medium;
  const unshown = (reason: Localized) =>
    ({ picture: { kind: 'unshown', mediaType, reason }, pixels: 0 }) as const;
  const format = formats[mediaType];
  if (format === undefined) return unshown(reasons.type);
  if (sizeBytes > maxBytes) return unshown(reasons.size);
  const bytes = await soundBytes(medium, signal);
  if (bytes === undefined) return unshown(reasons.damaged);
  const size = readPictureSize(bytes);
  if (size === undefined) return unshown(reasons.unreadable);
  const pixels = size.width * size.height;
  if (pixels > maxPixels) return unshown(reasons.size);
  if (pixels > room) return unshown(reasons.room);
  return { picture: { kind: 'picture', mediaType, format, bytes }, pixels };
}

/** The same picture once the typesetter has refused its bytes. */
export function unreadable(mediaType: string): UnshownPicture {
  return { kind: 'unshown', mediaType, reason: reasons.unreadable };
}

/** What stands in the place of a picture that is not shown: what it is, why, and by which digest it is found. */
export function unshownSentence(
  { mediaType, reason }: UnshownPicture,
  { alt, sha256 }: { readonly alt: string; readonly sha256: string },
  language: Language,
): string {
  const sentences: Localized = {
    en: `This picture could not be shown: ${reason.en}.`,
    de: `Dieses Bild konnte nicht gezeigt werden: ${reason.de}.`,
  };
  return `${alt}. ${sentences[language]} (${mediaType}, SHA-256 ${sha256})`;
}
