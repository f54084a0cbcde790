import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { LedgerError } from '../errors.ts';
import type { Exporter, Replay, ReplayedMedium } from './contract.ts';
import { bundleExtension, lackWords } from './evidence.ts';
import { mediaOf, type NamedMedium } from './media-of-run.ts';
import { type ZipEntry, zipArchive } from './zip-archive.ts';

const lines = new TextEncoder();

/**
 * Everything of a run in one file: the record, its items a line each, what `reports` write, the media under their digests,
 * and a manifest with the digest of each member. What cannot be there is listed as missing, with the reason.
 */
export const zipExporter = (reports: readonly Exporter[]): Exporter => ({
  format: 'zip',
  mime: 'application/zip',
  extension: 'zip',
  choices: ['lang'],
  isHeavy: true,
  export: (replay, signal) => zipArchive(entriesOf(replay, reports, signal), signal),
});

type Member = {
  readonly name: string;
  readonly media_type: string;
  readonly bytes: number;
  readonly sha256: string;
};
type Missing = {
  /** The name it would have had. */
  readonly name: string;
  readonly reason: 'not_stored' | 'withheld' | 'damaged' | 'impossible' | 'no_evidence';
  readonly detail?: string;
  /** Items that name it. */
  readonly items?: readonly number[];
};

/** Members in their order, the manifest of them last. Each is made twice: to be measured, and to be written. */
async function* entriesOf(
  replay: Replay,
  reports: readonly Exporter[],
  signal: AbortSignal,
): AsyncGenerator<ZipEntry, void, undefined> {
  signal.throwIfAborted();
  const members: Member[] = [];
  const missing: Missing[] = [];
  const member = async (name: string, mediaType: string, read: Chunks): Promise<ZipEntry> => {
    const { sizeBytes, sha256, sum } = await measured(read(signal));
    members.push({ name, media_type: mediaType, bytes: sizeBytes, sha256 });
    const isDeflated = /json|xml$|xml;/.test(mediaType) && !mediaType.includes('openxml');
    return { name, sizeBytes, crc32: sum, isDeflated, read };
  };
  yield await member('items.ndjson', 'application/x-ndjson', (reading) => itemLines(replay, reading));
  for (const report of reports) {
    const name = `${report.isHeavy ? 'report' : 'record'}.${report.extension}`;
    try {
      const read: Chunks = (reading) => report.export(replay, reading);
      yield await member(name, report.mime, report.isHeavy ? await kept(read(signal)) : read);
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code !== 'EXPORT_IMPOSSIBLE') throw error;
      missing.push({ name, reason: 'impossible', detail: error.message });
    }
  }
  const evidence = await replay.evidence(signal);
  const evidenceName = `evidence.${bundleExtension}`;
  if (evidence.kind === 'none')
    missing.push({ name: evidenceName, reason: 'no_evidence', detail: lackWords[evidence.why].en });
  else yield await member(evidenceName, 'application/json', () => chunk(evidence.bytes));
  for (const named of await mediaOf(replay, signal)) {
    const found = await soundMedium(replay, named, signal);
    if ('reason' in found) missing.push(found);
    else yield await member(`media/${found.sha256}`, found.mediaType, found.read);
  }
  const { header, head } = replay;
  const manifest = {
    manifest: 'urn:runledger:zip:1',
    execution_id: header.execution_id,
    version: header.version,
    chain: { sequence_number: head.sequenceNumber, hash: head.hash },
    members: [...members],
    missing,
  };
  const text = lines.encode(`${JSON.stringify(manifest, null, 2)}\n`);
  yield await member('manifest.json', 'application/json', () => chunk(text));
}

type Chunks = (signal: AbortSignal) => AsyncIterable<Uint8Array>;

async function measured(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly sizeBytes: number; readonly sha256: string; readonly sum: number }> {
  const hasher = createHash('sha256');
  let sizeBytes = 0;
  let sum = 0;
  for await (const part of chunks) {
    hasher.update(part);
    sum = crc32(part, sum);
    sizeBytes += part.byteLength;
  }
  return { sizeBytes, sha256: hasher.digest('hex'), sum };
}

/** A report takes seconds, and can be refused in the middle: it is made once, and is whole before it begins. */
async function kept(chunks: AsyncIterable<Uint8Array>): Promise<Chunks> {
  const parts: Uint8Array[] = [];
  for await (const part of chunks) parts.push(part);
  const whole = Buffer.concat(parts);
  return () => chunk(whole);
}

async function* chunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* itemLines({ items }: Replay, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const item of items(signal)) yield lines.encode(`${JSON.stringify(item)}\n`);
}

/** The medium, read once to see that it is whole; or why it is not in the file. */
async function soundMedium(
  { medium }: Replay,
  { sha256, filePath, isWithheld, items }: NamedMedium,
  signal: AbortSignal,
): Promise<ReplayedMedium | Missing> {
  const name = sha256 === undefined ? filePath : `media/${sha256}`;
  if (isWithheld) return { name, reason: 'withheld', items };
  const found = sha256 === undefined ? undefined : await medium(sha256);
  if (found === undefined) return { name, reason: 'not_stored', items };
  try {
    for await (const _ of found.read(signal)) signal.throwIfAborted();
    return found;
  } catch (error) {
    if (!(error instanceof LedgerError) || !['MEDIA_CORRUPT', 'MEDIA_NOT_FOUND'].includes(error.code))
      throw error;
    return { name, reason: 'damaged', items };
  }
}
