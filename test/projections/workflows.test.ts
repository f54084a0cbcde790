import { expect, it } from 'vitest';
import workflows from '../../projections/workflows.ts';
import type { Projector } from '../../src/projector/projector.ts';
import {
  readDocument,
  readPublication,
  readPublications,
  readVersion,
  readVersions,
} from '../../src/queries/workflows.ts';
import { contentHash, parseDocument } from '../../src/workflows/document.ts';
import { createMemoryStore, type MemoryStore } from '../memory-store.ts';
import { caughtUp, opened, temporaryDirectory } from '../projector/opened.ts';
import { documentOf, publishHistory, type Said } from '../published-workflows.ts';
import { readyEventsOn } from '../recorded-runs.ts';

const hashOf = (id: string, word: string): string => contentHash(parseDocument(documentOf(id, word)));

async function projected(
  histories: Readonly<Record<string, readonly Said[]>>,
  keys?: () => undefined,
): Promise<{ readonly store: MemoryStore; readonly projector: Projector }> {
  const store = createMemoryStore();
  for (const [id, history] of Object.entries(histories)) publishHistory(store, id, ...history);
  const directory = await temporaryDirectory();
  const options = { directory, store, ...(keys === undefined ? {} : { keyOf: keys }) };
  const projector = await opened([workflows()], options);
  await caughtUp(projector, store);
  return { store, projector };
}

it('every version stays readable by its number and by its hash, newest first', async () => {
  const { projector } = await projected({
    dada: [
      ['bundled', 'one'],
      ['http', 'two'],
      ['folder', 'one'],
    ],
    dad: [['http', 'other']],
  });
  expect(readVersions(projector, 'dada').map(({ version, source }) => [version, source])).toEqual([
    [3, 'folder'],
    [2, 'http'],
    [1, 'bundled'],
  ]);
  for (const [version, word] of [
    [1, 'one'],
    [2, 'two'],
    [3, 'one'],
  ] as const) {
    const sha256 = hashOf('dada', word);
    const document = documentOf('dada', word);
    expect(readVersion(projector, 'dada', version)).toMatchObject({
      version,
      sha256,
      document,
      retired: false,
      publishedAt: `2025-11-03T20:0${version - 1}:00.000Z`,
    });
    expect(readDocument(projector, sha256)).toEqual({ id: 'dada', document });
  }
  expect(readVersion(projector, 'dada', 4)).toBeUndefined();
  expect(readVersion(projector, 'nobody', 1)).toBeUndefined();
  expect(readVersions(projector, 'nobody')).toEqual([]);
  expect(readDocument(projector, '0'.repeat(64))).toBeUndefined();
});

it('a retired document is told so, keeps its versions, and goes on counting when it is back', async () => {
  const { store, projector } = await projected({
    dada: [
      ['bundled', 'one'],
      ['http', null],
    ],
  });
  expect(readPublication(projector, 'dada')).toMatchObject({ version: 1, retiredBy: 'http' });
  expect(readVersion(projector, 'dada', 1)).toEqual({
    version: 1,
    sha256: hashOf('dada', 'one'),
    source: 'bundled',
    publishedAt: '2025-11-03T20:00:00.000Z',
    retired: true,
    document: documentOf('dada', 'one'),
  });
  const back = { workflow_id: 'dada', version: 2, sha256: hashOf('dada', 'one'), source: 'http' };
  const item = {
    item_type: 'workflow_published',
    time: '2025-11-04T00:00:00Z',
    metadata: { ...back, document: documentOf('dada', 'one') },
  };
  await projector.waitFor(store.add('workflow-dada', readyEventsOn('workflow-dada', [item], 3)), 10_000);
  expect(readPublication(projector, 'dada')).toMatchObject({ version: 2, retiredBy: null, changes: 3 });
  expect(readVersions(projector, 'dada')).toHaveLength(2);
});

it('where the content was erased the versions stand without it', async () => {
  const { projector } = await projected({ dada: [['http', 'one']] }, () => undefined);
  expect(readVersion(projector, 'dada', 1)).toMatchObject({ sha256: hashOf('dada', 'one'), document: null });
});

it('what is published in the stream of a run, or with facts that cannot be read, is nothing', async () => {
  const store = createMemoryStore();
  const metadata = { workflow_id: 'x', version: 1, sha256: hashOf('x', 'one'), source: 'http' };
  const item = { item_type: 'workflow_published', time: '2025-11-04T00:00:00Z' };
  store.add('run-x', readyEventsOn('run-x', [{ ...item, metadata }]));
  const last = store.add(
    'workflow-x',
    readyEventsOn('workflow-x', [{ ...item, metadata: { ...metadata, version: -1 } }]),
  );
  const projector = await opened([workflows()], { directory: await temporaryDirectory(), store });
  await caughtUp(projector, store);
  await projector.waitFor(last, 10_000);
  expect([...readPublications(projector)]).toEqual([]);
});
