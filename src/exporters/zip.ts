import { createHash } from 'node:crypto';
import { addAbortSignal, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { LedgerError } from '../errors.ts';
import type { Exporter, Replay, ReplayedMedium } from './contract.ts';
import { mediaOf, type NamedMedium } from './media-of-run.ts';

/** DOS times have no zone and begin here; any other time would be a clock, and bytes would depend on the zone. */
const fixedTime = new Date(1980, 0, 1);

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
  async *export(replay, signal) {
    const left = new AbortController();
    const zip = new ZipFile();
    const output = zip.outputStream as Readable;
    const fail = (error: unknown): void => {
      output.destroy(error instanceof Error ? error : new Error('the zip failed', { cause: error }));
    };
    zip.on('error', fail);
    const packed = pack(zip, replay, reports, AbortSignal.any([signal, left.signal])).catch(fail);
    try {
      yield* output as AsyncIterable<Uint8Array>;
    } finally {
      left.abort();
      await packed;
    }
  },
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
  readonly reason: 'not_stored' | 'withheld' | 'damaged' | 'impossible';
  readonly detail?: string;
  /** Items that name it. */
  readonly items?: readonly number[];
};

async function pack(
  zip: ZipFile,
  replay: Replay,
  reports: readonly Exporter[],
  signal: AbortSignal,
): Promise<void> {
  const members: Member[] = [];
  const missing: Missing[] = [];
  const add = async (name: string, mediaType: string, chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    const told = hashed(chunks);
    const stream = addAbortSignal(signal, Readable.from(told.chunks, { objectMode: false }));
    const isText = /json|xml$|xml;/.test(mediaType) && !mediaType.includes('openxml');
    zip.addReadStream(stream, name, { mtime: fixedTime, forceDosTimestamp: true, compress: isText });
    await finished(stream, { writable: false });
    members.push({ name, media_type: mediaType, ...told.result() });
  };
  await add('items.ndjson', 'application/x-ndjson', itemLines(replay, signal));
  for (const report of reports) {
    const name = `${report.isHeavy ? 'report' : 'record'}.${report.extension}`;
    try {
      const whole = report.isHeavy
        ? await collected(report.export(replay, signal))
        : report.export(replay, signal);
      await add(name, report.mime, whole);
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code !== 'EXPORT_IMPOSSIBLE') throw error;
      missing.push({ name, reason: 'impossible', detail: error.message });
    }
  }
  for (const named of await mediaOf(replay, signal)) {
    const found = await heldMedium(replay, named, signal);
    if ('reason' in found) missing.push(found);
    else await add(`media/${found.sha256}`, found.mediaType, found.read(signal));
  }
  const { header, head } = replay;
  const manifest = {
    manifest: 'urn:runledger:zip:1',
    execution_id: header.execution_id,
    version: header.version,
    chain: { sequence_number: head.sequenceNumber, hash: head.hash },
    members,
    missing,
  };
  const text = lines.encode(`${JSON.stringify(manifest, null, 2)}\n`);
  zip.addBuffer(Buffer.from(text), 'manifest.json', { mtime: fixedTime, forceDosTimestamp: true });
  zip.end();
}

/** A report that cannot be made must not leave half a member, so it is whole before it begins. */
async function collected(chunks: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Readable.from(parts);
}

async function* itemLines({ items }: Replay, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const item of items(signal)) yield lines.encode(`${JSON.stringify(item)}\n`);
}

/** The medium, read once to see that it is whole; or why it is not in the file. */
async function heldMedium(
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
    if (!(error instanceof LedgerError) || error.code !== 'MEDIA_CORRUPT') throw error;
    return { name, reason: 'damaged', items };
  }
}

function hashed(chunks: AsyncIterable<Uint8Array>): {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly result: () => { readonly bytes: number; readonly sha256: string };
} {
  const hasher = createHash('sha256');
  let bytes = 0;
  const passing = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hasher.update(chunk);
      bytes += chunk.byteLength;
      yield chunk;
    }
  };
  return { chunks: passing(), result: () => ({ bytes, sha256: hasher.digest('hex') }) };
}
