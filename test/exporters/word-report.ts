import { createHash } from 'node:crypto';
import type { Replay, ReplayedMedium } from '../../src/exporters/contract.ts';
import { docxOf } from '../../src/exporters/docx.ts';
import type { Block, Outline } from '../../src/exporters/outline.ts';
import { textBlock } from '../../src/exporters/outline-item.ts';
import { sniffMediaType } from '../../src/media/media-type.ts';

export const runId = 'exec_20260301_101500_0a1b2c3d';

/** An outline by hand, with the given blocks as its journey. */
export const outlineWith = (body: readonly Block[], rest: Partial<Outline> = {}): Outline => ({
  language: 'en',
  title: 'Dada',
  description: `Run ${runId}`,
  date: '2026-03-01T10:15:00Z',
  lead: [],
  body,
  isLong: false,
  ...rest,
});

export const heading = (level: 1 | 2 | 3, text: string, isListed = level < 3): Block => ({
  kind: 'heading',
  level,
  text,
  isListed,
});
export const text = (words: string, language: string | null = null): Block => textBlock(words, language);
export const note = (words: string, tone: 'plain' | 'good' | 'warning' = 'plain'): Block => ({
  kind: 'note',
  tone,
  text: words,
});
export const facts = (
  rows: Readonly<Record<string, string>>,
  size: 'normal' | 'small' = 'normal',
): Block => ({
  kind: 'facts',
  size,
  rows: Object.entries(rows).map(([label, value]) => ({ label, value })),
});
export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const picture = (bytes: Uint8Array, alt = 'Image 1', caption = 'image/png'): Block => ({
  kind: 'picture',
  sha256: digestOf(bytes),
  alt,
  caption,
});

export const mediumOf = (bytes: Uint8Array): ReplayedMedium => ({
  sha256: digestOf(bytes),
  mediaType: sniffMediaType(bytes),
  sizeBytes: bytes.byteLength,
  async *read() {
    yield bytes;
  },
});

/** The media of a run, by their digests. */
export const mediaOf =
  (...media: readonly ReplayedMedium[]): Replay['medium'] =>
  async (sha256) =>
    media.find((medium) => medium.sha256 === sha256);

/** Of a report that is made without a ledger. */
export const noEvidence = { kind: 'none', why: 'unsigned' } as const;

export async function wordBytes(outline: Outline, medium: Replay['medium'] = mediaOf()): Promise<Uint8Array> {
  return gather(docxOf(outline, { runId, medium, evidence: noEvidence }, new AbortController().signal));
}

export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** Every paragraph that a report must have, in its order, read from its outline alone. */
export function paragraphsOf({ title, lead, body }: Outline): string[] {
  return [title, ...[...lead, ...body].flatMap(textsOf)];
}

function textsOf(block: Block): readonly string[] {
  switch (block.kind) {
    case 'text':
      return block.lines.length === 0 ? [''] : block.lines.map(({ words }) => words);
    case 'facts':
      return block.rows.flatMap(({ label, value }) => [label, value]);
    case 'picture':
      return ['', block.caption];
    case 'heading':
    case 'note':
      return [block.text];
  }
}
