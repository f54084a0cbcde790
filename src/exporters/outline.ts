import type { Language } from '../events/localized.ts';

/** One paragraph of words that a person or a model wrote; `direction` is that of its first strong letter. */
export type Line = { readonly words: string; readonly direction: 'ltr' | 'rtl' };

/** One piece of a report, in reading order. Every string is made visible already (visible-text.ts) and is data only. */
export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3; readonly text: string; readonly isListed: boolean }
  /** Words of a person or a model, whole; `language` is an IETF tag where the item names one. */
  | { readonly kind: 'text'; readonly lines: readonly Line[]; readonly language: string | null }
  /** Label and value; values may have line feeds. `small` is for the evidence, which few read. */
  | {
      readonly kind: 'facts';
      readonly size: 'normal' | 'small';
      readonly rows: readonly { readonly label: string; readonly value: string }[];
    }
  /** A picture that we hold; `alt` says what it is to who cannot see it. */
  | { readonly kind: 'picture'; readonly sha256: string; readonly alt: string; readonly caption: string }
  /** A sentence of ours. */
  | { readonly kind: 'note'; readonly tone: 'plain' | 'good' | 'warning'; readonly text: string };

/** A run as a report that a person reads: what the PDF and the DOCX are typeset from. */
export type Outline = {
  readonly language: Language;
  readonly title: string;
  /** One sentence, for the properties of the file. */
  readonly description: string;
  /** When the run began, RFC 3339 in UTC: the only time that a file may carry. */
  readonly date: string;
  /** Title block and outcome. */
  readonly lead: readonly Block[];
  /** The journey: `heading` of level 1 for each stage, 2 for each output or item, 3 for an item of an output. */
  readonly body: readonly Block[];
  /** Worth a table of contents: of the headings that are listed. */
  readonly isLong: boolean;
};
