import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import type { Exporter, Replay } from '../../src/exporters/contract.ts';
import { jsonExporter } from '../../src/exporters/json.ts';
import { zipExporter } from '../../src/exporters/zip.ts';
import { bytesOf } from './bytes-of.ts';
import { item, recordOf } from './record-of.ts';
import { replayOf } from './replay-of.ts';
import { unzipped } from './unzipped.ts';

const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUg==', 'base64');
const secret = Buffer.from('iVBORw0KGgoAAAANSUhEUgAA', 'base64');
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const output = (sequence: number, loop: number, file_path: string) =>
  item(sequence, 'output_image', { stage: 4, loop_iteration: loop, media_type: 'image', file_path });

const replay = replayOf(
  recordOf([
    item(1, 'pipeline_start', { stage: 0 }),
    item(2, 'user_input_text', { content: 'Eine Blume 🌼' }),
    output(3, 1, `/api/media/${digest(picture)}`),
    output(4, 2, `/api/media/${digest(secret)}`),
    item(5, 'stage4_blocked', { stage: 4, loop_iteration: 2, content: 'withheld' }),
    output(6, 3, `/api/media/${'a'.repeat(64)}`),
    output(7, 4, '/old/place/1.png'),
    output(8, 5, `/api/media/${digest(picture)}`),
  ]),
  { media: [picture, secret] },
);

const refusing: Exporter = {
  ...jsonExporter,
  format: 'pdf',
  extension: 'pdf',
  isHeavy: true,
  // oxlint-disable-next-line require-yield -- it refuses before it has anything
  async *export() {
    throw new LedgerError('EXPORT_IMPOSSIBLE', { format: 'pdf', what: 'no', cure: 'use xml' });
  },
};

type Manifest = {
  members: { name: string; bytes: number; sha256: string }[];
  missing: { name: string; reason: string; items?: number[] }[];
};
const open = async (of: Replay, reports: readonly Exporter[] = [jsonExporter]) => {
  const files = unzipped(await bytesOf(zipExporter(reports), of));
  const text = (name: string): string => Buffer.from(files.get(name) ?? []).toString();
  return { files, text, manifest: JSON.parse(text('manifest.json')) as Manifest };
};

describe('everything of a run in one file', () => {
  test('every member stands in the manifest with its size and digest, and nothing else is there', async () => {
    const { files, manifest } = await open(replay);
    expect([...files.keys()].toSorted()).toEqual(
      [...manifest.members.map(({ name }) => name), 'manifest.json'].toSorted(),
    );
    for (const { name, bytes, sha256 } of manifest.members) {
      const member = files.get(name) ?? new Uint8Array();
      expect([name, member.byteLength, digest(member)]).toEqual([name, bytes, sha256]);
    }
  });

  test('record and items are those of the run', async () => {
    const { text, files } = await open(replay);
    expect(Buffer.from(files.get('record.json') ?? [])).toEqual(await bytesOf(jsonExporter, replay));
    const lines = text('items.ndjson').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      (JSON.parse(text('record.json')) as { items: unknown[] }).items,
    );
  });

  test('media lie under their digests; what is not there is listed with the reason', async () => {
    const { files, manifest } = await open(replay);
    expect(Buffer.from(files.get(`media/${digest(picture)}`) ?? [])).toEqual(picture);
    expect(manifest.missing).toEqual([
      expect.objectContaining({ name: 'evidence.audit.json', reason: 'no_evidence' }),
      { name: `media/${digest(secret)}`, reason: 'withheld', items: [4] },
      { name: `media/${'a'.repeat(64)}`, reason: 'not_stored', items: [6] },
      { name: '/old/place/1.png', reason: 'not_stored', items: [7] },
    ]);
  });

  test('a damaged medium is listed, and no half of it is there', async () => {
    const damaged: Replay = {
      ...replay,
      medium: async (sha256) => ({
        sha256,
        mediaType: 'image/png',
        sizeBytes: 5,
        async *read() {
          yield picture;
          throw new LedgerError('MEDIA_CORRUPT', { sha256 });
        },
      }),
    };
    const { files, manifest } = await open(damaged);
    expect([...files.keys()].filter((name) => name.startsWith('media/'))).toEqual([]);
    expect(manifest.missing.map(({ reason }) => reason)).toContain('damaged');
  });

  test('a report that cannot be made is listed, and the rest is there', async () => {
    const { files, manifest } = await open(replay, [jsonExporter, refusing]);
    expect(files.has('record.json')).toBe(true);
    expect(manifest.missing).toContainEqual({
      name: 'report.pdf',
      reason: 'impossible',
      detail: 'This run cannot be written as pdf: no; use xml.',
    });
  });

  test('the same replay gives the same bytes', async () => {
    const zip = zipExporter([jsonExporter]);
    expect(await bytesOf(zip, replay)).toEqual(await bytesOf(zip, replay));
  });

  test('what fails in the middle fails the whole', async () => {
    const failing: Replay = {
      ...replay,
      async *items(signal) {
        yield* replay.items(signal);
        throw new Error('the log is gone');
      },
    };
    await expect(bytesOf(zipExporter([jsonExporter]), failing)).rejects.toThrow('the log is gone');
  });

  test('it stops when it is aborted, and when nobody reads on', async () => {
    await expect(bytesOf(zipExporter([jsonExporter]), replay, AbortSignal.abort())).rejects.toThrow();
    for await (const _ of zipExporter([jsonExporter]).export(replay, new AbortController().signal)) break;
  });
});
