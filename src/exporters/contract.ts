import type { ExecutionItem } from '../events/item.ts';
import type { Language } from '../events/localized.ts';
import type { RecordHeader } from '../run/record.ts';
import type { Evidence } from './evidence.ts';
import type { View } from './view.ts';
import type { Withheld } from './withheld.ts';

/** The bytes of a medium that items name. */
export type ReplayedMedium = {
  readonly sha256: string;
  /** Sniffed from the bytes, such as `image/png`. */
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** The bytes, as often as they are asked for. Throws MEDIA_CORRUPT at the end where they have another digest. */
  readonly read: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
};

/** One run as it is exported: all that the bytes of a file may depend on. Nothing of it changes while it is read. */
export type Replay = {
  /** The record beside its items; it names the view where one was asked for. */
  readonly header: RecordHeader & { readonly view?: View };
  /** The items of the view, all where none was asked for; in order, and from the first again with each call. */
  readonly items: (signal: AbortSignal) => AsyncIterable<ExecutionItem>;
  /** The first item, of every view: what the run began with. */
  readonly start: ExecutionItem;
  /** Items, of every view, that say why something is not there: a refusal, a failure, a skipped output, a cancel. */
  readonly setbacks: (signal: AbortSignal) => AsyncIterable<ExecutionItem>;
  /** What is never handed out; `medium` does not find it. */
  readonly withheld: Withheld;
  /** Undefined for a medium that we do not hold: files of other systems, what was never uploaded, what is withheld. */
  readonly medium: (sha256: string) => Promise<ReplayedMedium | undefined>;
  /** The evidence of the run, with the payloads of the items that are shown; the same each time it is asked for. */
  readonly evidence: (signal: AbortSignal) => Promise<Evidence>;
  /** Of the words that are ours. */
  readonly language: Language;
  /** The last event of the stream that was replayed; its hash stands for the whole chain before it. */
  readonly head: { readonly sequenceNumber: number; readonly hash: string };
};

/** What may be asked for beside the run. */
export const exportChoices = ['view', 'include', 'lang'] as const;
export type ExportChoice = (typeof exportChoices)[number];

/**
 * Writes one run in one format. The same replay gives the same bytes: no clock, no random ids. It stops within an item of
 * an abort, and throws EXPORT_IMPOSSIBLE where the run cannot be told in this format.
 */
export type Exporter = {
  readonly format: string;
  readonly mime: string;
  readonly extension: string;
  /** The choices it takes; every other is refused. */
  readonly choices: readonly ExportChoice[];
  /** It computes for longer than an event loop may be held, so it runs in a process of its own. */
  readonly isHeavy: boolean;
  readonly export: (replay: Replay, signal: AbortSignal) => AsyncIterable<Uint8Array>;
};
