import { setImmediate as turn } from 'node:timers/promises';
import type { Exporter, Replay } from './contract.ts';
import { openArchive, type Archive } from './docx/archive.ts';
import { documentXml, type PlacedPicture } from './docx/document.ts';
import {
  contentTypes,
  coreProperties,
  documentRelations,
  evidencePart,
  fontTable,
  packageRelations,
} from './docx/package-parts.ts';
import type { Evidence } from './evidence.ts';
import { maxPicturesBytes, pictureOf } from './docx/picture.ts';
import type { Outline } from './outline.ts';
import { outlineOfRun } from './outline-of-run.ts';

/**
 * A run as a Word document that a person can go on writing in. Its text is streamed; its pictures pass through memory
 * one at a time. The outline of the run stands in memory whole.
 */
export const docxExporter: Exporter = {
  format: 'docx',
  mime: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  extension: 'docx',
  choices: ['view', 'include', 'lang'],
  isHeavy: true,
  async *export(replay, signal) {
    const outline = await outlineOfRun(replay, signal);
    const runId = replay.header.execution_id;
    const evidence = await replay.evidence(signal);
    yield* docxOf(outline, { runId, medium: replay.medium, evidence }, signal);
  },
};

type Sources = {
  readonly runId: string;
  readonly medium: Replay['medium'];
  readonly evidence: Evidence;
};

/** Typesets an outline; `runId` stands in the footer. Stops between two blocks of an abort. */
export async function* docxOf(
  outline: Outline,
  { runId, medium, evidence }: Sources,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  signal.throwIfAborted();
  // Only here: a process that never typesets need not load the library.
  const { frameOf } = await import('./docx/frame.ts');
  const frame = await frameOf({ language: outline.language, runId });
  const archive = openArchive();
  const hasEvidence = evidence.kind === 'bundle';
  archive.add('[Content_Types].xml', contentTypes(hasEvidence));
  archive.add('_rels/.rels', packageRelations(hasEvidence));
  archive.add('docProps/core.xml', coreProperties(outline));
  archive.add('word/styles.xml', frame.styles);
  archive.add('word/settings.xml', frame.settings);
  archive.add('word/fontTable.xml', fontTable());
  archive.add('word/footer1.xml', frame.footer);
  const pictures = new Map<string, PlacedPicture>();
  yield* placePictures(outline, { archive, pictures, medium }, signal);
  yield* writeDocument(outline, { archive, pictures }, signal);
  if (evidence.kind === 'bundle') archive.addDeflated(evidencePart, evidence.bytes);
  archive.end();
  yield* archive.take();
}

/** Adds each picture once, however often it is shown, and notes where it stands. */
async function* placePictures(
  { lead, body }: Outline,
  {
    archive,
    pictures,
    medium,
  }: { archive: Archive; pictures: Map<string, PlacedPicture> } & Pick<Sources, 'medium'>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const parts: { id: string; target: string }[] = [];
  let roomBytes = maxPicturesBytes;
  for (const block of [...lead, ...body]) {
    if (block.kind !== 'picture' || pictures.has(block.sha256)) continue;
    signal.throwIfAborted();
    const picture = await pictureOf(block.sha256, { medium, roomBytes }, signal);
    if (picture.kind === 'withheld') {
      pictures.set(block.sha256, picture);
      continue;
    }
    const id = `picture${parts.length + 1}`;
    const target = `media/${id}.${picture.extension}`;
    parts.push({ id, target });
    pictures.set(block.sha256, { kind: 'shown', relation: id, size: picture.size });
    roomBytes -= picture.bytes.byteLength;
    archive.add(`word/${target}`, picture.bytes);
    yield* archive.take();
  }
  archive.add('word/_rels/document.xml.rels', documentRelations(parts));
}

/** So much is gathered before it is compressed. */
const pieceChars = 64 * 1024;

async function* writeDocument(
  outline: Outline,
  { archive, pictures }: { archive: Archive; pictures: ReadonlyMap<string, PlacedPicture> },
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const write = archive.begin('word/document.xml');
  let piece = '';
  for (const xml of documentXml(outline, pictures)) {
    signal.throwIfAborted();
    piece += xml;
    if (piece.length < pieceChars) continue;
    write(piece, false);
    piece = '';
    yield* archive.take();
    // An abort is heard only where the event loop goes round.
    await turn();
  }
  write(piece, true);
}
