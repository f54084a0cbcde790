import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import type { StreamKeys } from '../../src/run/stream-writer.ts';
import { createIds } from '../../src/run/randomness.ts';
import { createRecorder } from '../../src/run/recorder.ts';
import { openParts } from '../../src/service/parts.ts';
import { createReviewDesk } from '../../src/service/review-desk.ts';
import { settingsOf } from '../store-under-test.ts';

test('a run whose content is erased takes no review, because its reason could not be sealed: RUN_ERASED', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-review-'));
  const { store, keys, close } = await openParts(readConfig(settingsOf(directory)));
  onTestFinished(async () => {
    await close();
    await rm(directory, { recursive: true, force: true });
  });
  const newId = createIds();
  const executionId = 'erased';
  const check = {
    item_type: 'stage1_safety_check',
    stage: 1,
    metadata: { safe: true, found_terms: ['a word'] },
  };
  await createRecorder({ store, keys, clock: Date.now, newId }).record({
    executionId,
    by: 'foreign',
    run: 'new',
    items: [{ draft: { item_type: 'pipeline_start', stage: 0 } }, { draft: check }],
  });
  const without: StreamKeys = { createKey: keys.createKey, keyOf: () => undefined };
  const desk = createReviewDesk({
    source: { store, keyOf: () => undefined },
    recorder: createRecorder({ store, keys: { ...without, naming: keys.naming }, clock: Date.now, newId }),
    naming: keys.naming,
    policyOf: async () => undefined,
    contact: undefined,
  });
  const review = {
    executionId,
    seq: 2,
    judgement: 'confirmed',
    reviewer: { id: 'somebody', role: 'auditor' },
    reason: 'It was right.',
  } as const;
  await expect(desk.record(review, new AbortController().signal)).rejects.toMatchObject({
    code: 'RUN_ERASED',
  });
});
