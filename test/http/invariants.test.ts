import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eachPath, pathNames } from '../exporters/path-runs.ts';
import { type LedgerService, startLedgerService } from './ledger-service.ts';

type Result = {
  readonly id: string;
  readonly status: string;
  readonly offending: readonly number[];
  readonly detail: string;
};
type Told = { readonly status: string; readonly items: number; readonly invariants: readonly Result[] };
type Fault = { readonly execution_id: string; readonly invariant: string; readonly offending: number[] };

const invariantsOf = async (service: LedgerService, id: string, query = ''): Promise<Told> =>
  (await service.get(`/api/runs/${id}/invariants${query}`)).json as unknown as Told;
/** `{I1: 'unproven', I8: [7]}` */
const faultsIn = ({ invariants }: Told): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    invariants
      .filter(({ status }) => status !== 'pass')
      .map(({ id, status, offending }) => [id, status === 'fail' ? offending : status]),
  );

describe('every path of our own pipeline', () => {
  let told: ReadonlyMap<string, { readonly run: Told; readonly all: Readonly<Record<string, unknown>> }>;
  beforeAll(async () => {
    told = await eachPath(async (service, id) => ({
      run: await invariantsOf(service, id),
      all: (await service.get('/api/audit/violations')).json,
    }));
  }, 120_000);

  test.each(pathNames)('%s: all ten pass', (path) => {
    const run = told.get(path)?.run;
    expect(run?.items).toBeGreaterThan(3);
    expect(run?.invariants.filter(({ status }) => status !== 'pass')).toEqual([]);
    expect(run?.invariants).toHaveLength(10);
    expect(run?.status).toBe('pass');
  });

  test('over all runs there is no violation, and it says over how many runs and events that was checked', () => {
    const all = [...told.values()].at(-1)?.all;
    const items = [...told.values()].reduce((sum, { run }) => sum + run.items, 0);
    expect(all).toMatchObject({ total: 0, violations: [], complete: true, as_of: expect.any(String) });
    expect(all?.['checked']).toEqual({ runs: pathNames.length, events: items });
  });
});

describe('kept and foreign history', () => {
  let service: LedgerService;
  beforeAll(async () => {
    service = await startLedgerService();
    const folder = 'test/fixtures/records';
    for (const file of readdirSync(folder))
      await service.post('/api/runs/import', readFileSync(`${folder}/${file}`, 'utf8'));
  });
  afterAll(() => service.close());

  /** Recorded as a foreign pipeline does it. */
  const foreign = async (id: string, ...items: readonly object[]): Promise<void> => {
    await service.post('/api/runs', { config_name: 'dada', safety_level: 'kids', execution_id: id });
    const { status } = await service.post(`/api/runs/${id}/items`, { items });
    expect(status).toBe(201);
  };

  /** Old checks name no content, no steps and no policy: their result is told, not proven. */
  const told = { I1: 'unproven', I3: 'unproven', I4: 'unproven' };
  /** Old writers did not store a check that let pass, and these runs made no output. */
  const silent = { I3: 'unproven', I4: 'unproven' };
  test.each<readonly [string, Readonly<Record<string, unknown>>]>([
    // Neither its start nor its end is there.
    ['abc-123', { ...told, I6: 'unproven', I8: 'unproven' }],
    ['exec_20251103_205239_896e054c', told],
    ['exec_20251104_091502_1b7d03aa', silent],
    ['exec_20251104_101730_c0ffee01', told],
    ['exec_20251104_103000_0badcafe', silent],
    // It counts the output that was blocked as generated.
    ['exec_20251104_104412_5eed0003', { ...told, I8: [9] }],
    ['exec_20251104_111111_dead0002', silent],
    // An output that nothing says was checked.
    ['exec_20251104_120000_0ff00001', { ...silent, I1: [5] }],
    // The checker failed and let pass, and no published policy allows that.
    ['exec_20251105_080000_f0e1d2c3', { I1: 'unproven', I4: [5] }],
  ])('the old record %s says what it does not prove', async (id, expected) => {
    expect(faultsIn(await invariantsOf(service, id))).toEqual(expected);
  });

  test('all runs together say the same as each for itself, by invariant and by run', async () => {
    const check = { item_type: 'stage3_safety_check', stage: 3, loop_iteration: 1 };
    const policy = { id: 'workshop', version: 99, sha256: 'ab'.repeat(32) };
    await foreign(
      'unchecked',
      { item_type: 'output_image', stage: 4, loop_iteration: 1, file_path: 'a.png' },
      { ...check, metadata: { policy } },
    );
    const { json } = await service.get('/api/runs?limit=100');
    const ids = (json['executions'] as { execution_id: string }[]).map((run) => run.execution_id).sort();
    expect(ids).toHaveLength(10);
    const expected: [string, string, readonly number[]][] = [];
    for (const execution of ids) {
      const { invariants } = await invariantsOf(service, execution);
      for (const { id, status, offending } of invariants)
        if (status === 'fail') expected.push([id, execution, offending]);
    }
    const all = (await service.get('/api/audit/violations')).json as unknown as {
      violations: Fault[];
      total: number;
      invariants: { id: string; violated_by: number }[];
      checked: { runs: number };
    };
    const found = all.violations.map(({ invariant, execution_id, offending }) => [
      invariant,
      execution_id,
      offending,
    ]);
    const shown = (rows: readonly unknown[][]): string[] => rows.map((row) => JSON.stringify(row)).toSorted();
    expect(shown(found)).toEqual(shown(expected));
    expect(expected.map(([id, execution]) => `${id} ${execution}`)).toContain('I4 unchecked');
    expect(all).toMatchObject({ total: expected.length, checked: { runs: 10 } });
    const counted = all.invariants.filter(({ violated_by }) => violated_by > 0);
    expect(counted.map(({ id, violated_by }) => [id, violated_by])).toEqual([
      ['I1', 2],
      ['I4', 2],
      ['I6', 1],
      ['I8', 1],
    ]);
  });

  test('chosen by invariant and status, page by page', async () => {
    const one = await service.get('/api/audit/violations?invariant=I8');
    expect(one.json).toMatchObject({
      total: 1,
      violations: [{ execution_id: 'exec_20251104_104412_5eed0003', invariant: 'I8', offending: [9] }],
      filters: { status: 'fail', invariant: 'I8' },
    });
    const unproven = await service.get('/api/audit/violations?status=unproven&invariant=I1&limit=2&offset=1');
    expect(unproven.json).toMatchObject({ total: 5, limit: 2, offset: 1, returned: 2 });
  });

  test('a run as it was after an item, and as it was known at a time', async () => {
    const id = 'exec_20251104_104412_5eed0003';
    const early = await invariantsOf(service, id, '?at_seq=6');
    expect(early).toMatchObject({ items: 6 });
    expect(faultsIn(early)['I8']).toBe('unproven');
    expect(await invariantsOf(service, id, '?at=2100-01-01T00:00:00Z')).toEqual(
      await invariantsOf(service, id),
    );
    // What was imported now was not known then.
    expect((await service.get(`/api/runs/${id}/invariants?at=2025-12-01T00:00:00Z`)).status).toBe(404);
  });

  test.each([
    ['/api/runs/exec_20200101_000000_00000000/invariants', 404],
    ['/api/runs/abc-123/invariants?at_seq=0', 400],
    ['/api/runs/abc-123/invariants?at=yesterday', 400],
    ['/api/audit/violations?invariant=I11', 400],
    ['/api/audit/violations?limit=1001', 400],
    ['/api/audit/violations?run=abc-123', 400],
  ])('%s is refused with %i', async (path, status) => {
    const reply = await service.get(path);
    expect(reply.status).toBe(status);
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
  });
});
