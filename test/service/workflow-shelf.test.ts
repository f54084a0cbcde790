import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import { placeItem, sealItem } from '../../src/events/envelope.ts';
import { chainStart } from '../../src/events/digest.ts';
import { createIds } from '../../src/run/randomness.ts';
import { type LedgerParts, openParts } from '../../src/service/parts.ts';
import { openWorkflowShelf, type WorkflowShelf } from '../../src/service/workflow-shelf.ts';
import { openWorkflowSnapshot } from '../../src/service/workflow-snapshot.ts';
import { createWorkflowStreams } from '../../src/service/workflow-stream.ts';
import { contentHash, type LibraryDocument, parseDocument } from '../../src/workflows/document.ts';
import { bundledDocuments, bundledLibrary } from '../../src/workflows/library.ts';
import { resolveOutputs } from '../../src/workflows/resolve-outputs.ts';
import { startLedgerService } from '../http/ledger-service.ts';
import { eventsOf } from './rest.ts';
import { settingsOf } from '../store-under-test.ts';

const log = pino({ level: 'silent' });
const texts = { name: { en: 'x', de: 'x' }, description: { en: 'x', de: 'x' } };
const workflow = (id: string, context: string): LibraryDocument =>
  parseDocument({
    id,
    ...texts,
    pipeline: 'text_transformation',
    instruction_type: 'description',
    context,
  });

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runledger-shelf-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

type Opened = {
  readonly parts: LedgerParts;
  readonly shelf: WorkflowShelf;
  readonly close: () => Promise<void>;
};

/** A shelf on the test's directory as a start opens it; `store` stands before the real one. */
async function open(disturbed: (store: EventStore) => EventStore = (store) => store): Promise<Opened> {
  const parts = await openParts(readConfig(settingsOf(directory)));
  parts.projector.start();
  await settled(parts);
  const shelf = await openWorkflowShelf(shelfParts({ ...parts, store: disturbed(parts.store) }));
  return { parts, shelf, close: parts.close };
}

const shelfParts = ({ store, keys, projector }: LedgerParts) => ({
  store,
  keys,
  projector,
  clock: Date.now,
  newId: createIds(),
  log,
});

/** Waits until the read models have the whole log. */
async function settled({ projector, store }: LedgerParts): Promise<void> {
  await projector.built();
  const head = await store.head();
  if (head !== null) expect((await projector.waitFor(head, 30_000)).reached).toBe(true);
}

const published = async (id: string) =>
  (await eventsOf(directory))
    .filter(({ stream }) => stream === `workflow-${id}`)
    .map(({ core }) => JSON.parse(Buffer.from(core).toString()) as { facts: Record<string, unknown> })
    .map(({ facts }) => facts);

describe('a start', () => {
  test('publishes the bundled documents once', async () => {
    for (let start = 0; start < 3; start += 1) {
      const { shelf, close } = await open();
      expect(shelf.library.workflow('dada')).toEqual(bundledLibrary().workflow('dada'));
      await close();
    }
    const events = await eventsOf(directory);
    expect(events).toHaveLength(bundledDocuments.length);
    const { sha256 } = bundledLibrary().workflow('dada');
    expect(await published('dada')).toEqual([{ workflow_id: 'dada', version: 1, sha256, source: 'bundled' }]);
  });

  test('replaces what another release bundled, and leaves edits and retirements as they are', async () => {
    const parts = await openParts(readConfig(settingsOf(directory)));
    const append = createWorkflowStreams(shelfParts(parts));
    const older = async (id: string, source: 'bundled' | 'http' | 'folder') => {
      const document = workflow(id, 'of an older release');
      const sha256 = contentHash(document);
      return (await append({ kind: 'publish', id, source, document, sha256 }, null)).publication;
    };
    await older('dada', 'bundled');
    await older('bauhaus', 'http');
    await older('passthrough', 'folder');
    await append({ kind: 'retire', id: 'overdrive', source: 'http' }, await older('overdrive', 'bundled'));
    await parts.close();

    const { shelf, close } = await open();
    const contextOf = (id: string) => shelf.library.workflow(id).document.context;
    expect(contextOf('dada')).toEqual(bundledLibrary().workflow('dada').document.context);
    expect([contextOf('bauhaus'), contextOf('passthrough')]).toEqual(Array(2).fill('of an older release'));
    expect(() => shelf.library.workflow('overdrive')).toThrow(/There is no workflow overdrive/);
    await close();
    expect((await published('dada')).map(({ version, source }) => [version, source])).toEqual([
      [1, 'bundled'],
      [2, 'bundled'],
    ]);
    expect(await published('overdrive')).toHaveLength(2);
  });

  test('finds what was changed before it, in the same order, with every version', async () => {
    const first = await open();
    await first.shelf.put(workflow('zebra', 'one'), 'none');
    await first.shelf.put(workflow('ant', 'one'), 'none');
    const { sha256, version } = await first.shelf.put(workflow('ant', 'two'), 1);
    expect(version).toBe(2);
    const orderOf = ({ library }: WorkflowShelf) => [
      library.workflows.map(({ document }) => document.id),
      library.outputConfigs.map(({ id }) => id),
      resolveOutputs(library.workflow('ant').document, library, 'eco').map(({ config }) => config),
    ];
    const before = orderOf(first.shelf);
    await first.close();

    const { shelf, close } = await open();
    expect(orderOf(shelf)).toEqual(before);
    expect(before[0]?.slice(-2)).toEqual(['ant', 'zebra']);
    expect(before[2]).toEqual(['sd35_large']);
    expect(shelf.library.workflow('ant')).toMatchObject({ sha256, document: { context: 'two' } });
    expect(shelf.library.version(contentHash(workflow('ant', 'one'))).document.context).toBe('one');
    await close();
  });

  test('finds what was stored when the process died before it could use it', async () => {
    let isDying = false;
    const dying = (store: EventStore): EventStore => ({
      ...store,
      append: async (...append) => {
        const appended = await store.append(...append);
        if (isDying) throw new Error('the process died here');
        return appended;
      },
    });
    const first = await open(dying);
    await first.shelf.put(workflow('mine', 'one'), 'none');
    isDying = true;
    await expect(first.shelf.put(workflow('mine', 'two'), 1)).rejects.toThrow('the process died here');
    await first.close();

    const { shelf, close } = await open();
    expect(shelf.library.workflow('mine').document.context).toBe('two');
    await expect(shelf.put(workflow('mine', 'three'), 1)).rejects.toMatchObject({
      code: 'WORKFLOW_VERSION',
      params: { expected: 1, actual: 2 },
    });
    expect(await shelf.put(workflow('mine', 'three'), 2)).toMatchObject({ version: 3, created: false });
    await close();
  });
});

describe('the live library', () => {
  test('learns from the log what was stored though its append failed', async () => {
    let isFailing = false;
    const { parts, shelf, close } = await open((store) => ({
      ...store,
      append: async (...append) => {
        const appended = await store.append(...append);
        if (isFailing) throw new Error('the answer was lost');
        return appended;
      },
    }));
    isFailing = true;
    await expect(shelf.put(workflow('mine', 'one'), 'none')).rejects.toThrow('the answer was lost');
    isFailing = false;
    await settled(parts);
    expect(shelf.library.workflow('mine').document.context).toBe('one');
    expect(await shelf.put(workflow('mine', 'two'), 1)).toMatchObject({ version: 2 });
    await close();
  });

  test('is never taken back by what the read model tells late', async () => {
    const { parts, close } = await open();
    const { library, learn } = openWorkflowSnapshot(parts.projector, log);
    const tell = (changes: number, context: string): void => {
      const document = workflow('mine', context);
      const sha256 = contentHash(document);
      const standing = {
        version: changes,
        sha256,
        source: 'http',
        retiredBy: null,
        folderSha256: null,
      } as const;
      learn('mine', { ...standing, changes }, () => document);
    };
    tell(2, 'two');
    tell(1, 'one');
    expect(library.workflow('mine').document.context).toBe('two');
    tell(3, 'three');
    expect(library.workflow('mine').document.context).toBe('three');
    await close();
  });

  test('a change whose planner knows less than the stream is refused, whoever wrote there', async () => {
    const { parts, shelf, close } = await open();
    await shelf.put(workflow('mine', 'one'), 'none');
    const append = createWorkflowStreams(shelfParts(parts));
    const document = workflow('mine', 'two');
    const sha256 = contentHash(document);
    const change = { kind: 'publish', id: 'mine', source: 'http', document, sha256 } as const;
    await expect(append(change, null)).rejects.toMatchObject({
      code: 'WORKFLOW_VERSION',
      params: { expected: 'none', actual: 1 },
    });
    await close();
    expect(await published('mine')).toHaveLength(1);
  });

  test('has a change in the very turn in which it is told to be durable', async () => {
    const { shelf, close } = await open();
    const answered = shelf.put(workflow('mine', 'one'), 'none').then(() => shelf.library.workflow('mine'));
    expect((await answered).document.context).toBe('one');
    const retired = shelf
      .retire('mine', 1)
      .then(() => shelf.library.workflows.map(({ document }) => document.id));
    expect(await retired).not.toContain('mine');
    await close();
  });

  test('takes 100 changes at a time, and refuses the next ones for now', async () => {
    const { shelf, close } = await open();
    const answers = await Promise.allSettled(
      Array.from({ length: 110 }, (_, index) => shelf.put(workflow('mine', `change ${index}`), index)),
    );
    const codes = answers.map((answer) =>
      answer.status === 'rejected' ? (answer.reason as { code: string }).code : 'made',
    );
    expect(codes.slice(100)).toEqual(Array(10).fill('UNAVAILABLE'));
    expect(codes.slice(0, 100)).not.toContain('UNAVAILABLE');
    expect(await shelf.put(workflow('mine', 'later'), 'none')).toMatchObject({ version: 1 });
    await close();
  });
});

test('while the read model is stopped, workflows answer PROJECTION_STOPPED and recording goes on', async () => {
  const parts = await openParts(readConfig(settingsOf(directory)));
  const stream = 'workflow-bad';
  await parts.keys.createKey(stream);
  const draft = { item_type: 'workflow_published', metadata: { document: {} } };
  const place = { id: createIds()(), stream, seq: 1, tax: '1.1', time: '2026-01-01T00:00:00Z' };
  const item = placeItem(draft, { ...place, actor: { kind: 'service', id: 'test' } });
  const other = Buffer.alloc(32, 1);
  const kit = { key: other, salt: other, nonce: other.subarray(0, 12) };
  await parts.store.append(stream, [sealItem(item, chainStart(stream), kit)], 'noStream');
  await parts.close();

  const service = await startLedgerService({ RUNLEDGER_DATA: directory });
  const stopped = expect.stringContaining('projection-stopped') as string;
  for (const path of ['/api/workflows', '/api/workflows/dada', '/api/workflows/dada/schema/a']) {
    const reply = await service.get(path);
    expect([reply.status, reply.json['type']]).toEqual([503, stopped]);
  }
  const document = workflow('mine', 'one');
  const put = await service.put('/api/workflows/mine', document, { 'if-none-match': '*' });
  expect([put.status, put.json['type']]).toEqual([503, stopped]);
  const run = { schema: 'dada', input_text: 'a' };
  expect((await service.post('/api/schema/pipeline/execute', run)).json['type']).toEqual(stopped);
  expect((await service.post('/api/runs', { config_name: 'dada' })).status).toBe(201);
  await service.close();
});
