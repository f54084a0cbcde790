import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventHash } from '../../src/events/digest.ts';
import { parseCheckpoint } from '../../src/ledger/checkpoint.ts';
import { parseVerifierKey } from '../../src/ledger/note-key.ts';
import { isConsistent, isIncluded } from '../../src/ledger/proof-check.ts';
import { runHeadLeaf } from '../../src/ledger/run-head.ts';
import { isSignedBy, parseNote } from '../../src/ledger/signed-note.ts';
import { rootOfLeaves } from '../ledger/published-tree.ts';
import { type LedgerService, type Reply, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
beforeAll(async () => {
  service = await startLedgerService();
});
afterAll(() => service.close());

const bytes = (base64: unknown): Buffer => Buffer.from(String(base64), 'base64');
const paths = (path: unknown): Buffer[] => (path as string[]).map(bytes);
const codeOf = ({ json }: Reply): string =>
  String(json['type']).replace('urn:runledger:error:', '').replaceAll('-', '_').toUpperCase();

/** A run of so many items that has not ended. */
async function record(items: number): Promise<string> {
  const begun = await service.post('/api/runs', { config_name: 'dada' });
  const id = String(begun.json['execution_id']);
  const more = Array.from({ length: items - 1 }, (_, step) => ({
    item_type: 'my_own_step',
    stage: 2,
    content: `${step}`,
  }));
  if (more.length > 0) await service.post(`/api/runs/${id}/items`, { items: more });
  return id;
}

/** What a note says, once its signature holds under the key that the service shows. */
async function verified(note: unknown): Promise<{ size: number; root: Uint8Array }> {
  const { json } = await service.get('/api/ledger/keys');
  const key = parseVerifierKey(String((json['keys'] as string[]).at(-1)));
  const signed = parseNote(String(note));
  expect(key !== undefined && signed !== undefined && isSignedBy(signed, key)).toBe(true);
  const checkpoint = parseCheckpoint(signed?.text ?? '');
  if (checkpoint === undefined) throw new Error('no checkpoint');
  expect(checkpoint.origin).toBe(key?.name);
  return checkpoint;
}

describe('the ledger over HTTP', () => {
  test('says what is not signed yet, and nothing that it asks for is written', async () => {
    const id = await record(2);
    for (const path of [
      '/api/ledger/checkpoint',
      '/checkpoint',
      `/api/runs/${id}/proof?seq=1`,
      `/api/ledger/heads/${id}`,
    ])
      expect(codeOf(await service.get(path))).toBe('CHECKPOINT_MISSING');
    expect((await service.get('/api/ledger/checkpoint')).status).toBe(404);
  });

  test('a checkpoint is a signed note, the same at both addresses', async () => {
    await service.ledger.service.ledger.sign();
    const answer = await service.get('/api/ledger/checkpoint');
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect((await service.get('/checkpoint')).text).toBe(answer.text);
    expect((await verified(answer.text)).size).toBeGreaterThan(3);
    expect(await service.ledger.service.ledger.sign()).toMatchObject({ note: answer.text });
  });

  test('every item of a run is proven under the earliest checkpoint that covers it, which stays the same', async () => {
    const id = await record(5);
    await service.ledger.service.ledger.sign();
    const first = await service.get(`/api/runs/${id}/proof?seq=5`);
    for (let seq = 1; seq <= 5; seq += 1) {
      const { json } = await service.get(`/api/runs/${id}/proof?seq=${seq}`);
      const { size, root } = await verified((json['checkpoint'] as { note: string }).note);
      const claim = {
        leaf: bytes(json['hash']),
        index: Number(json['leaf']),
        size,
        path: paths(json['path']),
        root,
      };
      expect(isIncluded(claim)).toBe(true);
      expect(isIncluded({ ...claim, leaf: hash('sha256', 'another', 'buffer') })).toBe(false);
    }
    await record(3);
    await service.ledger.service.ledger.sign();
    expect((await service.get(`/api/runs/${id}/proof?seq=5`)).json).toEqual(first.json);
    const { size } = await verified((await service.get('/checkpoint')).text);
    const later = await service.get(`/api/runs/${id}/proof?seq=5&size=${size}`);
    expect(later.json).toMatchObject({ leaf: first.json['leaf'], size });
    expect(codeOf(await service.get(`/api/runs/${id}/proof?seq=6`))).toBe('EVENT_NOT_FOUND');
    expect(codeOf(await service.get('/api/runs/none/proof?seq=1'))).toBe('EVENT_NOT_FOUND');
    expect((await service.get(`/api/runs/${id}/proof`)).status).toBe(400);
  });

  test('how far a run had come is proven, and that nothing is left out at its end', async () => {
    const id = await record(4);
    await service.ledger.service.ledger.sign();
    const { json } = await service.get(`/api/ledger/heads/${id}`);
    const { size, root } = await verified((json['checkpoint'] as { note: string }).note);
    const heads = json['heads'] as { runs: number; root: string; seq: number };
    const head = { run: id, seq: 4, head: String(json['head']) };
    expect(json).toMatchObject(head);
    const claim = {
      index: Number(json['leaf']),
      size: heads.runs,
      path: paths(json['path']),
      root: Buffer.from(heads.root, 'hex'),
    };
    expect(isIncluded({ ...claim, leaf: runHeadLeaf(head) })).toBe(true);
    expect(isIncluded({ ...claim, leaf: runHeadLeaf({ ...head, seq: 3 }) })).toBe(false);
    const inclusion = json['inclusion'] as { leaf: number; path: string[] };
    const entries = await entriesOf(size);
    const recorded = entries[inclusion.leaf] ?? Buffer.alloc(0);
    expect(JSON.parse(recorded.toString('utf8'))).toMatchObject({
      type: 'run_heads_recorded',
      seq: heads.seq,
      facts: { root: heads.root },
    });
    const leaf = eventHash(recorded);
    expect(isIncluded({ leaf, index: inclusion.leaf, size, path: inclusion.path.map(bytes), root })).toBe(
      true,
    );
    expect(codeOf(await service.get('/api/ledger/heads/none'))).toBe('EXECUTION_NOT_FOUND');
  });

  test('two checkpoints are shown to be of one history', async () => {
    const before = await verified((await service.get('/checkpoint')).text);
    await record(7);
    await service.ledger.service.ledger.sign();
    const after = await verified((await service.get('/checkpoint')).text);
    const { json } = await service.get(`/api/ledger/consistency?from=${before.size}&to=${after.size}`);
    const claim = { from: before, to: after, path: paths(json['path']) };
    expect(isConsistent(claim)).toBe(true);
    expect(isConsistent({ ...claim, from: { ...before, root: hash('sha256', 'another', 'buffer') } })).toBe(
      false,
    );
    expect(codeOf(await service.get(`/api/ledger/consistency?from=1&to=${after.size + 1000}`))).toBe(
      'TREE_SIZE',
    );
    expect((await service.get('/api/ledger/consistency?from=-1&to=2')).status).toBe(400);
    const earliest = await verified((await service.get(`/api/ledger/checkpoint?size=${before.size}`)).text);
    expect(earliest.size).toBe(before.size);
    expect(codeOf(await service.get(`/api/ledger/checkpoint?size=${after.size + 1000}`))).toBe(
      'CHECKPOINT_MISSING',
    );
  });
});

/** All cores of the signed tree, read as a monitor reads them. */
async function entriesOf(size: number): Promise<Buffer[]> {
  const entries: Buffer[] = [];
  for (let tile = 0; tile * 256 < size; tile += 1) {
    const width = Math.min(256, size - tile * 256);
    const name = `${String(tile).padStart(3, '0')}${width === 256 ? '' : `.p/${width}`}`;
    const answer = await fetch(`${service.url}/tile/entries/${name}`);
    expect(answer.status).toBe(200);
    const bundle = Buffer.from(await answer.arrayBuffer());
    for (let at = 0; at < bundle.length; ) {
      const length = bundle.readUInt16BE(at);
      entries.push(bundle.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return entries;
}

describe('tiles (C2SP tlog-tiles)', () => {
  test('a monitor that reads entries and tiles alone comes to the signed root', async () => {
    for (let run = 0; run < 6; run += 1) await record(60);
    await service.ledger.service.ledger.sign();
    const { size, root } = await verified((await service.get('/checkpoint')).text);
    expect(size).toBeGreaterThan(256);
    const leaves = (await entriesOf(size)).map(eventHash);
    expect(leaves).toHaveLength(size);
    const full = Buffer.from(await (await fetch(`${service.url}/tile/0/000`)).arrayBuffer());
    expect(full.equals(Buffer.concat(leaves.slice(0, 256)))).toBe(true);
    const rest = await fetch(`${service.url}/tile/0/001.p/${size - 256}`);
    expect(rest.headers.get('content-type')).toBe('application/octet-stream');
    expect(rest.headers.get('cache-control')).toContain('immutable');
    expect(Buffer.from(await rest.arrayBuffer()).equals(Buffer.concat(leaves.slice(256)))).toBe(true);
    const above = Buffer.from(await (await fetch(`${service.url}/tile/1/000.p/1`)).arrayBuffer());
    expect(above.equals(rootOfLeaves(leaves.slice(0, 256)))).toBe(true);
    expect(Buffer.from(root)).toEqual(rootOfLeaves(leaves));
  });

  test.each([
    '0/001',
    '0/000.p/256',
    '0/000.p/0',
    '0/x000/001',
    '0/1',
    '64/000',
    '00/000',
    '1/000',
    '0/999.p/1',
    'entries/001',
    '1/001.p/1',
    'x/000',

    '0/000.p/01',
  ])('/tile/%s is not there', async (path) => {
    const answer = await service.get(`/tile/${path}`);
    expect([answer.status, codeOf(answer)]).toEqual([404, 'ROUTE_NOT_FOUND']);
  });
});
