import type { Language, Localized } from '../../events/localized.ts';

/** A picture that does not stand in the document. */
export type WithheldPicture = {
  readonly kind: 'withheld';
  readonly mediaType: string;
  readonly reason: Localized;
};

/** What stands in the picture's place: what it is, why it is not shown, and by which digest it is found. */
export function withheldPicture(
  { mediaType, reason }: WithheldPicture,
  { alt, sha256, language }: { readonly alt: string; readonly sha256: string; readonly language: Language },
): string {
  return `${alt}. ${sentence[language](reason[language])} (${mediaType}, SHA-256 ${sha256})`;
}

const sentence: Readonly<Record<Language, (reason: string) => string>> = {
  en: (reason) => `This picture is not shown here: ${reason}.`,
  de: (reason) => `Dieses Bild wird hier nicht gezeigt: ${reason}.`,
};
