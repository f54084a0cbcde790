import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { docxExporter, docxOf } from '../../src/exporters/docx.ts';
import { outlineOfRun } from '../../src/exporters/outline-of-run.ts';
import { formats } from '../../src/exporters/registry.ts';
import { pngOf } from './picture-bytes.ts';
import { item, recordOf } from './record-of.ts';
import { replayOf } from './replay-of.ts';
import { readWordFile } from './word-file.ts';
import {
  digestOf,
  facts,
  gather,
  heading,
  mediaOf,
  mediumOf,
  outlineWith,
  paragraphsOf,
  picture,
  runId,
  text,
  wordBytes,
  noEvidence,
} from './word-report.ts';

const png = pngOf(30, 20);
const outline = outlineWith([heading(1, 'Input'), text('Eine Blume\nقطة'), facts({ a: 'b' }), picture(png)], {
  isLong: true,
});

const items = [
  item(1, 'pipeline_start', { stage: 0 }),
  item(2, 'user_input_text', { media_type: 'text', content: 'Eine Blume' }),
  item(3, 'output_image', { stage: 4, loop_iteration: 1, file_path: `/api/media/${digestOf(png)}` }),
];
const run = recordOf(items, { execution_id: runId });

test('the same report has the same bytes, at any time', async () => {
  const once = await wordBytes(outline, mediaOf(mediumOf(png)));
  const again = await wordBytes(structuredClone(outline), mediaOf(mediumOf(png)));
  expect(Buffer.compare(once, again)).toBe(0);
});

/** Exports in a process of its own, at another place and another time; answers the digest. */
async function digestElsewhere(zone: string): Promise<string> {
  const built = join(import.meta.dirname, '../../dist/src/exporters/docx.js');
  const script = `
    const late = Date.now() + 40_000_000_000;
    const Real = Date;
    globalThis.Date = class extends Real { constructor(...of) { of.length === 0 ? super(late) : super(...of); } static now() { return late; } };
    Math.random = () => 0.123;
    const { createHash } = await import('node:crypto');
    const { docxOf } = await import(${JSON.stringify(built)});
    const png = Buffer.from(${JSON.stringify(Buffer.from(png).toString('base64'))}, 'base64');
    const medium = async (sha256) => ({ sha256, mediaType: 'image/png', sizeBytes: png.length, async *read() { yield png; } });
    const hash = createHash('sha256');
    const sources = { runId: ${JSON.stringify(runId)}, medium, evidence: { kind: 'none', why: 'unsigned' } };
    for await (const chunk of docxOf(${JSON.stringify(outline)}, sources, new AbortController().signal)) hash.update(chunk);
    process.stdout.write(hash.digest('hex'));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, TZ: zone },
  });
  return stdout;
}

test.each(['Asia/Kathmandu', 'America/Los_Angeles', 'Pacific/Kiritimati'])(
  'nor do they depend on the clock and the time zone %s',
  async (zone) => {
    const here = digestOf(await wordBytes(outline, mediaOf(mediumOf(png))));
    expect(await digestElsewhere(zone)).toBe(here);
  },
);

test('a report of many blocks comes in pieces, and stops between two of them', async () => {
  const lines = Array.from({ length: 3_000 }, (_, index) => text(`${index} ${'words '.repeat(40)}`));
  const abort = new AbortController();
  const reason = new Error('nobody waits any more');
  let chunks = 0;
  const reading = async (): Promise<void> => {
    for await (const _ of docxOf(
      outlineWith(lines),
      { runId, medium: mediaOf(), evidence: noEvidence },
      abort.signal,
    )) {
      chunks += 1;
      // From outside, as a message to the process would come.
      if (chunks === 20) setImmediate(() => abort.abort(reason));
    }
  };
  await expect(reading()).rejects.toBe(reason);
  expect(chunks).toBeLessThan(60);
});

test('an abort reaches the reading of a picture', async () => {
  const abort = new AbortController();
  const slow = {
    ...mediumOf(png),
    async *read(signal: AbortSignal) {
      yield png.subarray(0, 10);
      abort.abort(new Error('gone'));
      signal.throwIfAborted();
    },
  };
  await expect(
    gather(docxOf(outline, { runId, medium: mediaOf(slow), evidence: noEvidence }, abort.signal)),
  ).rejects.toThrow('gone');
});

test('it stands in the registry, and is heavy', async () => {
  expect(formats.get('docx')).toBe(docxExporter);
  expect(docxExporter).toMatchObject({
    extension: 'docx',
    isHeavy: true,
    choices: ['view', 'include', 'lang'],
  });
});

test('a package holds what Word needs, the pictures, and nothing else', async () => {
  const { parts } = readWordFile(await wordBytes(outline, mediaOf(mediumOf(png))));
  expect([...parts.keys()]).toEqual([
    '[Content_Types].xml',
    '_rels/.rels',
    'docProps/core.xml',
    'word/styles.xml',
    'word/settings.xml',
    'word/fontTable.xml',
    'word/footer1.xml',
    'word/media/picture1.png',
    'word/_rels/document.xml.rels',
    'word/document.xml',
  ]);
});

test('a run is exported as its outline, in the language that was asked for', async () => {
  const replay = replayOf(run, { language: 'de', media: [png] });
  const never = new AbortController().signal;
  const file = readWordFile(await gather(docxExporter.export(replay, never)));
  const told = file.paragraphs().filter(({ style }) => style !== 'Gap');
  expect(told.map(({ text: words }) => words)).toEqual(paragraphsOf(await outlineOfRun(replay, never)));
  expect(told.map(({ text: words }) => words)).toContain('Eine Blume');
  expect(file.find('//wp:docPr')).toHaveLength(1);
  expect(file.find('//w:t', 'word/footer1.xml')[0]).toBe(run.execution_id);
});
