import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ExecutionItem } from '../../src/events/item.ts';
import type { Replay } from '../../src/exporters/contract.ts';
import { docxExporter } from '../../src/exporters/docx.ts';
import { outlineOfRun } from '../../src/exporters/outline-of-run.ts';
import { recordInView, views } from '../../src/exporters/view.ts';
import { zipExporter } from '../../src/exporters/zip.ts';
import { bytesOf } from './bytes-of.ts';
import { item, recordOf } from './record-of.ts';
import { replayOf } from './replay-of.ts';
import { unzipped } from './unzipped.ts';

const never = new AbortController().signal;
const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const sha256 = createHash('sha256').update(picture).digest('hex');
const file_path = `/api/media/${sha256}`;
const odd = (members: object): Partial<ExecutionItem> => members;

const output = item(1, 'output_image', { stage: 4, loop_iteration: 1, media_type: 'image', file_path });
const refusal = item(3, 'stage4_blocked', { stage: 4, loop_iteration: 1 });
const withheld: Readonly<Record<string, readonly ExecutionItem[]>> = {
  'an output that was refused': [output, refusal],
  'the check that looked at it': [
    output,
    item(2, 'stage4_safety_check', { stage: 4, loop_iteration: 1, file_path }),
    refusal,
  ],
  'the refusal itself': [output, { ...refusal, file_path }],
  'a refusal that names only the digest': [output, { ...refusal, loop_iteration: 7, metadata: { sha256 } }],
  'a result that came too late': [item(1, 'late_result_discarded', { file_path })],
  'an import whose loops are texts': [
    { ...output, ...odd({ loop_iteration: '1' }) },
    { ...refusal, ...odd({ loop_iteration: '1' }) },
  ],
  'a refusal whose loop is a text': [output, { ...refusal, ...odd({ loop_iteration: '1' }) }],
  'an output whose loop is a text': [{ ...output, ...odd({ loop_iteration: '1' }) }, refusal],
  'the same picture as another output': [
    output,
    refusal,
    { ...output, sequence_number: 4, loop_iteration: 2 },
  ],
};
const cases = Object.entries(withheld);

const replay = (items: readonly ExecutionItem[]): Replay => replayOf(recordOf(items), { media: [picture] });
const pictures = async (told: Replay): Promise<readonly string[]> =>
  (await outlineOfRun(told, never)).body.flatMap((block) => (block.kind === 'picture' ? [block.sha256] : []));

describe('a medium that was withheld is never handed out', () => {
  test.each(cases)('%s: not by a report', async (_, items) => {
    expect(await pictures(replay(items))).toEqual([]);
    const parts = unzipped(await bytesOf(docxExporter, replay(items)));
    expect([...parts.keys()].filter((name) => name.includes('media'))).toEqual([]);
  });

  test.each(cases)('%s: not by the zip, which says so', async (_, items) => {
    const files = unzipped(await bytesOf(zipExporter([]), replay(items)));
    expect([...files.keys()].filter((name) => name.startsWith('media/'))).toEqual([]);
    expect(Buffer.from(files.get('manifest.json') ?? []).toString()).toContain('"withheld"');
  });

  test.each(views)('view %s: only who reads everything is told that it was there', (view) => {
    const told = recordInView(recordOf([output, refusal]), view, false).items.map(
      ({ item_type }) => item_type,
    );
    expect(told.includes('output_image')).toBe(view === 'researcher');
  });

  test('what nobody refused is handed out', async () => {
    expect(await pictures(replay([output]))).toEqual([sha256]);
    const other = [output, { ...refusal, loop_iteration: 2, metadata: { sha256: 'a'.repeat(64) } }];
    expect(await pictures(replay(other))).toEqual([sha256]);
  });
});
