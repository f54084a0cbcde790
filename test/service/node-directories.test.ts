import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openClient } from '../../src/cli/client.ts';
import { checkLedger } from '../../src/cli/fsck.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { type LmdbLog, openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import { LedgerError } from '../../src/errors.ts';
import { eventHash } from '../../src/events/digest.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';
import { createApp } from '../../src/http/app.ts';
import { writeServiceAddress } from '../../src/service/address.ts';
import { assembleLedger, type Ledger } from '../../src/service/assemble.ts';
import { backUpLedger } from '../../src/service/backup.ts';
import { openParts } from '../../src/service/parts.ts';
import { type DataDirectory, newDataDirectory, runledgerJson } from '../cli/command.ts';
import { ask, eventsIn, eventsOf } from './rest.ts';

const log = pino({ level: 'silent' });
let data: DataDirectory;
let server: LmdbLog;
let opened = 0;
const nodes: Node[] = [];

beforeEach(async () => {
  data = newDataDirectory();
  server = await openLmdbLog({ directory: data.beside('server') });
  opened = 0;
});
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
  await server.close();
  data.remove();
});

/** Stands in for a log on a server: an embedded one that says it is shared, and can no more than the port says. */
const openStore = async (): Promise<EventStore> => {
  opened += 1;
  return {
    storeId: server.storeId,
    isShared: true,
    append: (...args) => server.append(...args),
    readStream: (...args) => server.readStream(...args),
    readAll: (...args) => server.readAll(...args),
    subscribeAll: (...args) => server.subscribeAll(...args),
    head: () => server.head(),
    compare: (a, b) => server.compare(a, b),
    close: async () => undefined,
  };
};

const configOf = (name: string): Config =>
  readConfig({
    RUNLEDGER_DATA: data.beside(name),
    RUNLEDGER_SHARED: data.beside('shared'),
    RUNLEDGER_STORE: 'esdb://127.0.0.1:2113',
  });

type Node = {
  readonly url: string;
  readonly name: string;
  readonly ledger: Ledger;
  close: () => Promise<void>;
};

async function startNode(name: string): Promise<Node> {
  const config = configOf(name);
  const parts = await openParts(config, { openStore });
  const ledger = await assembleLedger({ config, log, executes: true, ...parts });
  const app = await createApp(ledger.service, log);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  await writeServiceAddress(config.dataDirectory, { url, pid: process.pid });
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await app.close();
    await ledger.close(0);
  };
  const node = { url, name: parts.node, ledger, close };
  nodes.push(node);
  return node;
}

async function* mapped(
  events: AsyncIterable<StoredEvent>,
  change: (event: StoredEvent) => StoredEvent,
): AsyncGenerator<StoredEvent> {
  for await (const event of events) yield change(event);
}

const picture = { schema: 'image_comparison', input_text: 'Eine Blume', seed: 1 };

/** What `runledger fsck --json` prints about a node, and its exit status. */
async function fsck(name: string, open = openStore): Promise<Record<string, unknown>> {
  const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const status = await checkLedger(configOf(name), true, open);
    return { status, ...(JSON.parse(String(printed.mock.calls.at(-1)?.[0])) as object) };
  } finally {
    printed.mockRestore();
  }
}

describe('the directories of a node', () => {
  test('hold what is its own; keys, media and exports stand where all nodes see them', async () => {
    const node = await startNode('one');
    expect((await ask(node.url, '/api/schema/pipeline/execute', picture)).status).toBe(200);
    await node.close();
    expect(readdirSync(data.beside('one')).sort()).toEqual([
      'node',
      'projections',
      'service.json',
      'writer.1',
    ]);
    expect(readdirSync(data.beside('shared')).sort()).toEqual(['exports', 'keys', 'media']);
    expect(readdirSync(join(data.beside('shared'), 'keys')).sort()).toEqual(['deployment.json', 'streams']);
  });

  test('let a node read what another wrote: texts, media, and the file of a run', async () => {
    const [one, two] = [await startNode('one'), await startNode('two')];
    expect(two.name).not.toBe(one.name);
    const { json } = await ask(one.url, '/api/schema/pipeline/execute', picture);
    const id = String(json['execution_id']);
    const head = await server.head();
    await two.ledger.projector.waitFor(head ?? '', 10_000);
    const read = await ask(two.url, `/api/runs/${id}`);
    const items = read.json['items'] as { readonly content: string | null; readonly file_path: string }[];
    expect(items.some(({ content }) => content?.includes('Blume'))).toBe(true);
    const media = items.flatMap(({ file_path }) => /[0-9a-f]{64}/.exec(file_path ?? '')?.[0] ?? []);
    expect(media.length).toBeGreaterThan(0);
    for (const sha256 of media) expect((await fetch(`${two.url}/api/media/${sha256}`)).status).toBe(200);
    for (const format of ['pdf', 'zip'])
      expect((await fetch(`${two.url}/api/runs/${id}/export/${format}`)).status).toBe(200);
    expect((await ask(two.url, '/api/schema/pipeline/execute', picture)).status).toBe(200);
  });

  test('are cleared of what the node left half-written at its next start, and of nothing of another’s', async () => {
    const [one, two] = [await startNode('one'), await startNode('two')];
    await one.close();
    const draft = (node: Node, folder: string): string =>
      join(data.beside('shared'), folder, node.name, 'draft');
    for (const folder of ['media/tmp', 'exports/drafts'])
      for (const node of [one, two]) writeFileSync(draft(node, folder), 'half');
    expect((await startNode('one')).name).toBe(one.name);
    for (const folder of ['media/tmp', 'exports/drafts'])
      expect([existsSync(draft(one, folder)), existsSync(draft(two, folder))]).toEqual([false, true]);
  });

  test('get a new name where the old one is damaged', async () => {
    const one = await startNode('one');
    await one.close();
    writeFileSync(join(data.beside('one'), 'node'), '../../..');
    const again = await startNode('one');
    expect(again.name).toMatch(/^node-[0-9a-f]{16}$/);
    expect(again.name).not.toBe(one.name);
    expect(readFileSync(join(data.beside('one'), 'node'), 'utf8')).toBe(again.name);
  });

  test('are one process’s at a time: another is LOCKED with the pid before it asks the server', async () => {
    const node = await startNode('one');
    const before = opened;
    await expect(openParts(configOf('one'), { openStore })).rejects.toMatchObject({
      code: 'LOCKED',
      params: { directory: data.beside('one'), pid: process.pid },
    });
    expect(opened).toBe(before);
    await node.close();
    await (await openParts(configOf('one'), { openStore })).close();
  });

  test('are free again where the server could not be reached', async () => {
    const away = new LedgerError('UNAVAILABLE', { what: 'The server is away', cure: 'start it' });
    const refusing = (): Promise<never> => Promise.reject(away);
    await expect(openParts(configOf('one'), { openStore: refusing })).rejects.toBe(away);
    await (await openParts(configOf('one'), { openStore })).close();
  });

  test('lead the command line to the service that runs on them', async () => {
    const node = await startNode('one');
    const { json } = await ask(node.url, '/api/schema/pipeline/execute', picture);
    const client = await openClient(configOf('one'), async (config) => {
      await openParts(config, { openStore });
      throw new Error('the directory was free');
    });
    expect((await client.request('GET', `/api/runs/${String(json['execution_id'])}`)).status).toBe(200);
    await client.close();
  });
});

describe('without a service, on a shared log,', () => {
  test('the read models of a node are rebuilt', async () => {
    const node = await startNode('one');
    await ask(node.url, '/api/schema/pipeline/execute', picture);
    await node.close();
    const parts = await openParts(configOf('one'), { openStore });
    await parts.projector.rebuild();
    expect(parts.projector.status().every(({ state, events }) => state === 'running' && events > 0)).toBe(
      true,
    );
    await parts.close();
    expect(await fsck('one')).toMatchObject({ status: 0, faults: [], differences: [] });
  });

  test('fsck checks every event and the node’s read models, also where the node has none', async () => {
    const node = await startNode('one');
    for (const text of ['Eine Blume', 'Ein Baum'])
      await ask(node.url, '/api/schema/pipeline/execute', { schema: 'dada', input_text: text });
    const beside = await fsck('one');
    expect(beside).toMatchObject({ status: 0, faults: [], differences: [], erased: 0 });
    expect(beside).toMatchObject({ events: server.count(), streams: [...server.streamNames()].length });
    expect(await fsck('none')).toMatchObject({ status: 0, events: server.count() });
    expect(existsSync(data.beside('none'))).toBe(false);
    expect(readdirSync(data.beside('one')).filter((name) => name.startsWith('fsck-'))).toEqual([]);
  });

  test('fsck counts texts without a key as erased, and refuses where the keys as a whole are gone', async () => {
    const node = await startNode('one');
    await ask(node.url, '/api/schema/pipeline/execute', { schema: 'dada', input_text: 'Eine Blume' });
    await node.close();
    rmSync(join(data.beside('shared'), 'keys', 'streams'), { recursive: true });
    mkdirSync(join(data.beside('shared'), 'keys', 'streams'));
    expect(Number((await fsck('one'))['erased'])).toBeGreaterThan(5);
    rmSync(join(data.beside('shared'), 'keys'), { recursive: true });
    await expect(checkLedger(configOf('one'), true, openStore)).rejects.toMatchObject({
      code: 'KEYS_UNREADABLE',
    });
  });

  test('fsck finds an event that was changed on the server, by the link of the next', async () => {
    const node = await startNode('one');
    await ask(node.url, '/api/schema/pipeline/execute', { schema: 'dada', input_text: 'Eine Blume' });
    await node.close();
    const changed = (event: StoredEvent): StoredEvent => {
      if (!event.stream.startsWith('run-') || event.revision !== 3) return event;
      // As the adapter of a server reads it: the hash is made of the bytes that are there.
      const core = Buffer.from(Buffer.from(event.core).toString().replace('"time":"20', '"time":"19'));
      return { ...event, core, hash: eventHash(core) };
    };
    const { status, faults } = await fsck('one', async () => ({
      ...(await openStore()),
      readAll: (options) => mapped(server.readAll(options), changed),
      readStream: (stream, options) => mapped(server.readStream(stream, options), changed),
    }));
    expect(status).toBe(4);
    expect(faults).toEqual([expect.objectContaining({ sequence: 5, kind: 'unlinked' })]);
  });

  test('fsck says from where on a log cannot be read', async () => {
    await (await startNode('one')).close();
    const what = 'its metadata is none of ours';
    const { status, faults, events } = await fsck('one', async () => ({
      ...(await openStore()),
      readAll: (options) =>
        mapped(server.readAll(options), (event) => {
          if (event.revision === 0 && event.stream.startsWith('policy-')) return event;
          throw new LedgerError('CORRUPT_EVENT', { stream: event.stream, sequence: 1, what });
        }),
    }));
    expect({ status, events }).toEqual({ status: 4, events: 1 });
    expect(faults).toEqual([
      {
        stream: expect.stringMatching(/^workflow-/),
        sequence: 1,
        kind: 'damaged',
        what: `${what}; what the log holds behind it was not checked`,
      },
    ]);
  });

  test('a backup is an embedded ledger with the same events, texts and media, also while others write', async () => {
    const node = await startNode('one');
    const { json } = await ask(node.url, '/api/schema/pipeline/execute', picture);
    const id = String(json['execution_id']);
    const before = (await eventsIn(server)).map(({ id: eventId }) => eventId);
    const target = data.beside('copy');
    const writing = ask(node.url, '/api/schema/pipeline/execute', { ...picture, input_text: 'Ein Baum' });
    await backUpLedger(configOf('one'), target, openStore);
    expect((await writing).status).toBe(200);
    expect(readdirSync(target).sort()).toEqual(['keys', 'log', 'media']);
    const whole = await eventsIn(server);
    const copied = await eventsOf(target);
    expect(copied.length).toBeGreaterThanOrEqual(before.length);
    for (const [at, event] of copied.entries()) {
      const { position: _, ...original } = whole[at] ?? event;
      expect(event).toMatchObject({ ...original, core: original.core });
    }
    expect(await runledgerJson(target, 'fsck')).toMatchObject({ faults: [], differences: [], erased: 0 });
    const shown = (await runledgerJson(target, 'show', id))['items'];
    expect(shown).toEqual((await ask(node.url, `/api/runs/${id}`)).json['items']);
    expect(await runledgerJson(target, 'fsck')).toMatchObject({ faults: [], differences: [], erased: 0 });
  });

  test('a backup into a folder that holds something is refused', async () => {
    await (await startNode('one')).close();
    await expect(backUpLedger(configOf('one'), data.beside('server'), openStore)).rejects.toMatchObject({
      code: 'BACKUP_TARGET',
    });
  });
});
