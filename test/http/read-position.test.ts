import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { type HeldService, startHeldService } from './held-service.ts';
import { type LedgerService, type Reply, startLedgerService } from './ledger-service.ts';

const position = 'runledger-position';
const behind = 'runledger-behind';
const minimum = 'runledger-min-position';
const applied = 'preference-applied';

const oldRecord = (execution_id: string): object => {
  const timestamp = '2025-01-01T00:00:00Z';
  const item = {
    sequence_number: 1,
    timestamp,
    stage: 1,
    item_type: 'user_input_text',
    content: 'Eine Blume',
  };
  return { execution_id, config_name: 'dada', timestamp, items: [item] };
};

describe('a service that keeps up', () => {
  let service: LedgerService;
  beforeAll(async () => {
    service = await startLedgerService();
  });
  afterAll(() => service.close());

  const written = async (reply: Reply): Promise<string> => {
    expect(reply.status, reply.text).toBeLessThan(300);
    return reply.headers.get(position) ?? '';
  };

  test('every kind of write says where it stands, and a read that names the place has it', async () => {
    const { post, put } = service;
    const run = '/api/runs/exec_20260101_000000_0badf00d';
    const dada = await service.get('/api/workflows/dada');
    const changed = { ...(dada.json['document'] as object), visibility: 'private' };
    const old = oldRecord('exec_20250101_000000_0badf00d');
    const writes: (() => Promise<Reply>)[] = [
      () => post('/api/runs', { config_name: 'dada', execution_id: 'exec_20260101_000000_0badf00d' }),
      () => post(`${run}/items`, { item_type: 'my_step' }),
      () => post('/api/runs/import?timezone=UTC', old),
      () => put('/api/workflows/dada', changed, { 'if-match': '"1"' }),
      () => service.delete('/api/workflows/dada', { 'if-match': '"2"' }),
      () => post('/api/workflows/bauhaus/execute', { input_text: 'Eine Blume' }),
      () => post('/api/schema/pipeline/execute', { schema: 'bauhaus', input_text: 'Eine Blume' }),
      () => post('/api/exports', { filter: {}, format: 'json' }),
    ];
    const places = new Set<string>();
    for (const write of writes) {
      const place = await written(await write());
      places.add(place);
      const read = await service.get('/api/runs', { [minimum]: place, prefer: 'wait=30' });
      expect(read.status, read.text).toBe(200);
    }
    expect(places.size).toBe(writes.length);
  });

  test.each([
    '/api/runs',
    '/api/runs/stats',
    '/api/runs/exec_20260101_000000_0badf00d',
    '/api/runs/exec_20260101_000000_0badf00d/export/json',
    '/executions/',
    '/api/exports',
    '/api/workflows',
    '/api/workflows/dada/versions',
  ])('GET %s says what the read models have', async (path) => {
    const place = await written(await service.post('/api/runs', { config_name: 'dada' }));
    const read = await service.get(path, { [minimum]: place, prefer: 'wait=30' });
    expect([read.status, read.headers.get(applied)]).toEqual([200, 'wait=30']);
    expect(read.headers.get(position)).toMatch(/^[0-9a-f]{12}-\d+$/);
  });

  test('a read of what is not there says as of when, and what no read model answers says nothing', async () => {
    const unknown = await service.get('/api/runs/exec_20260101_000000_00000000');
    expect([unknown.status, unknown.headers.has(position)]).toEqual([404, true]);
    for (const path of [`/api/media/${'0'.repeat(64)}`, '/health/live', '/openapi.json', '/nowhere'])
      expect((await service.get(path)).headers.has(position), path).toBe(false);
  });

  test.each(['', 'x', '000000000000-1', '1', 'a b'])(
    'the minimum "%s" is no position of this log',
    async (place) => {
      const read = await service.get('/api/runs', { [minimum]: place });
      expect([read.status, read.json['type']]).toEqual([400, 'urn:runledger:error:foreign-position']);
    },
  );

  test.each(['wait=soon', 'wait=-1', 'respond-async', '='])('Prefer: %s is ignored', async (prefer) => {
    const read = await service.get('/api/runs', { prefer });
    expect([read.status, read.headers.get(applied)]).toEqual([200, null]);
  });

  test.each([
    ['wait=3', 'wait=3'],
    ['wait', 'wait=2'],
    ['wait=31', 'wait=30'],
    [`wait=${'9'.repeat(400)}`, 'wait=30'],
  ])('Prefer: %s is applied as %s', async (prefer, told) => {
    expect((await service.get('/api/runs', { prefer })).headers.get(applied)).toBe(told);
  });

  test('/openapi.json tells of what can be asked and of what is answered', async () => {
    type Operation = {
      readonly parameters?: readonly { readonly in: string; readonly name: string }[];
      readonly responses: Readonly<Record<string, { readonly headers?: object }>>;
    };
    const { json } = await service.get('/openapi.json');
    const paths = json['paths'] as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    const { get, post } = paths['/api/runs'] ?? {};
    const asked = get?.parameters?.filter((one) => one.in === 'header').map(({ name }) => name);
    expect(asked).toEqual([minimum, 'prefer']);
    expect(Object.keys(get?.responses['200']?.headers ?? {})).toEqual([position, behind]);
    expect(Object.keys(post?.responses['201']?.headers ?? {})).toEqual([position, behind]);
    expect(paths['/api/media/{sha256}']?.['get']?.parameters?.map(({ name }) => name)).not.toContain(minimum);
  });
});

describe('a service whose read models are held back', () => {
  let service: HeldService;
  beforeAll(async () => {
    service = await startHeldService();
  });
  afterEach(() => service.release());
  afterAll(() => service.close());

  const get = (headers: Record<string, string> = {}, signal = new AbortController().signal) =>
    fetch(`${service.url}/api/runs/stats`, { headers, signal });
  const recordsIn = async (answer: Response) => (await answer.json()) as { total_records: number };
  let runs = 0;
  /** A run that only the log has; where it stands. */
  const record = async (): Promise<string> => {
    const { importText, head } = service.ledger.service;
    runs += 1;
    const execution_id = `exec_20250101_000000_${String(runs).padStart(8, '0')}`;
    const { imported } = await importText(JSON.stringify(oldRecord(execution_id)), 'UTC');
    expect(imported).toBe(1);
    return (await head()) ?? '';
  };
  const caughtUp = async (): Promise<void> => {
    service.release();
    expect((await get({ prefer: 'wait=30' })).headers.get(behind)).toBeNull();
  };

  test('a read that names a position is answered once it is reached', async () => {
    service.hold();
    const place = await record();
    const waiting = service.nextWait();
    const answering = get({ [minimum]: place, prefer: 'wait=30' });
    await waiting;
    service.release();
    const answer = await answering;
    expect([answer.status, answer.headers.get(position)]).toEqual([200, place]);
    expect(await recordsIn(answer)).toMatchObject({ total_records: runs });
  });

  test('a read that prefers to wait is answered once it has what the log had', async () => {
    service.hold();
    const place = await record();
    const waiting = service.nextWait();
    const answering = get({ prefer: 'wait=30' });
    await waiting;
    service.release();
    const answer = await answering;
    expect([answer.headers.get(position), answer.headers.get(applied)]).toEqual([place, 'wait=30']);
    expect(await recordsIn(answer)).toMatchObject({ total_records: runs });
  });

  test('a position that is not reached in time is READ_MODELS_BEHIND, which says how far the read models are', async () => {
    const before = (await get()).headers.get(position) ?? '';
    service.hold();
    const place = await record();
    const late = await get({ [minimum]: place, prefer: 'wait=0' });
    expect([late.status, late.headers.get(position), late.headers.get('retry-after')]).toEqual([
      503,
      before,
      '1',
    ]);
    expect(late.headers.get(behind)).toMatch(/(^|, )storage-stats;events=1(,|$)/);
    expect(await late.json()).toMatchObject({
      type: 'urn:runledger:error:read-models-behind',
      detail: expect.stringContaining(`did not reach ${place} within 0 s`),
    });
    const old = await get({ [minimum]: before });
    expect([old.status, old.headers.get(position)]).toEqual([200, before]);
    await caughtUp();
  });

  test('a preference that is not met in time is answered all the same, and says who lags', async () => {
    service.hold();
    const before = (await get()).headers.get(position);
    await record();
    const answer = await get({ prefer: 'wait=0' });
    expect([answer.status, answer.headers.get(position), answer.headers.get(applied)]).toEqual([
      200,
      before,
      'wait=0',
    ]);
    expect(answer.headers.get(behind)).toMatch(/(^|, )storage-stats;events=1(,|$)/);
    expect(await recordsIn(answer)).toMatchObject({ total_records: runs - 1 });
    // Once the lag is known, a read that asks for nothing says it too.
    expect((await get()).headers.get(behind)).toBe(answer.headers.get(behind));
    await caughtUp();
    expect((await get()).headers.get(behind)).toBeNull();
  });

  test('a read says that models lag behind what was written here', async () => {
    service.hold();
    const place = await record();
    service.ledger.service.readModels.heardOf(place);
    expect((await get()).headers.get(behind)).toMatch(/storage-stats;events=1/);
    await caughtUp();
  });

  test('/health/ready says by how much each read model lacks the end of the log', async () => {
    type Lag = { readonly name: string; readonly lagEvents: number; readonly state: string };
    const ready = async () =>
      (await (await fetch(`${service.url}/health/ready`)).json()) as {
        readonly store: { readonly head: string };
        readonly projections: readonly Lag[];
      };
    service.hold();
    const place = await record();
    const { store, projections } = await ready();
    expect(store.head).toBe(place);
    expect(new Set(projections.map(({ lagEvents }) => lagEvents))).toEqual(new Set([1]));
    await caughtUp();
    expect((await ready()).projections.filter(({ lagEvents }) => lagEvents > 0)).toEqual([]);
  });

  test('a log that cannot tell its end keeps no read from being answered', async () => {
    service.answerHeadBy(async () => {
      throw new LedgerError('UNAVAILABLE', { what: 'The store is away', cure: 'wait' });
    });
    const refused = await get({ prefer: 'wait=30' });
    expect([refused.status, refused.headers.get(applied)]).toEqual([200, null]);
    service.answerHeadBy(() => new Promise(() => undefined));
    const silent = await get({ prefer: 'wait=0' });
    expect([silent.status, silent.headers.get(applied)]).toEqual([200, null]);
    service.answerHeadBy();
  });

  test('waiting ends when the client goes away', async () => {
    service.hold();
    const place = await record();
    const leaving = new AbortController();
    const next = service.nextWait();
    const answering = get({ [minimum]: place, prefer: 'wait=30' }, leaving.signal);
    const { waited } = await next;
    leaving.abort();
    await expect(answering).rejects.toMatchObject({ name: 'AbortError' });
    expect(await waited).toMatchObject({ reached: false });
    await caughtUp();
  });

  test('of reads that wait, one too many is answered at once', async () => {
    service.hold();
    const place = await record();
    const leaving = new AbortController();
    const reads = Array.from({ length: 257 }, () =>
      get({ [minimum]: place, prefer: 'wait=30' }, leaving.signal),
    );
    const first = await Promise.race(reads);
    expect([first.status, first.headers.get(applied)]).toEqual([503, null]);
    expect((await get({ prefer: 'wait=30' })).headers.get(applied)).toBeNull();
    service.release();
    const answers = await Promise.all(reads);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(256);
  });

  test('a service that stops lets nobody wait', async () => {
    service.hold();
    const place = await record();
    const next = service.nextWait();
    const answering = get({ [minimum]: place, prefer: 'wait=30' });
    const { waited } = await next;
    await service.stop();
    expect((await answering).status).toBe(503);
    expect(await waited).toMatchObject({ reached: false });
  });
});
