import { contentHash, parseDocument } from '../src/workflows/document.ts';
import { workflowStreamOf } from '../src/workflows/publication.ts';
import type { MemoryStore } from './memory-store.ts';
import { readyEventsOn, type Recorded } from './recorded-runs.ts';

const time = (minute: number): string => new Date(Date.UTC(2025, 10, 3, 20, minute)).toISOString();

/** A workflow document with a word of its own. */
export const documentOf = (id: string, word: string): Record<string, unknown> =>
  parseDocument({
    id,
    name: { en: word, de: word },
    description: { en: word, de: word },
    pipeline: 'text_transformation',
    instruction_type: 'description',
    context: `Eine Blume, ${word}`,
  });

type Source = 'bundled' | 'folder' | 'http';
/** Who published which document, or retired it. */
export type Said = readonly [Source, word: string | null];

/** Appends a document's history: its stream as publishing it leaves it behind. Returns the position of its end. */
export function publishHistory(store: MemoryStore, id: string, ...history: readonly Said[]): string {
  let version = 0;
  const items = history.map(([source, word], index): Recorded => {
    const common = { time: time(index), stage: 0, media_type: 'metadata' } as const;
    if (word === null) {
      const metadata = { workflow_id: id, version, source };
      return { ...common, item_type: 'workflow_retired', metadata };
    }
    const document = documentOf(id, word);
    version += 1;
    const sha256 = contentHash(parseDocument(document));
    const metadata = { workflow_id: id, version, sha256, source, document };
    return { ...common, item_type: 'workflow_published', metadata };
  });
  const stream = workflowStreamOf(id);
  const known = store.events.filter((event) => event.stream === stream).length;
  return store.add(stream, readyEventsOn(stream, items, known + 1));
}
