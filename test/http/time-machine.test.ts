import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecutionItem } from '../../src/events/item.ts';
import { type LedgerService, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
let dada = '';
let other = '';
let stillepost = '';
const execute = async (schema: string, seed: number, more: object = {}): Promise<string> => {
  const body = { schema, input_text: 'Eine Blume auf der Wiese', seed, ...more };
  return String((await service.post('/api/schema/pipeline/execute', body)).json['execution_id']);
};
beforeAll(async () => {
  service = await startLedgerService();
  dada = await execute('dada', 1);
  other = await execute('dada', 2, { safety_level: 'research' });
  stillepost = await execute('stillepost', 3);
});
afterAll(() => service.close());

type Change = { readonly member: string; readonly before: unknown; readonly after: unknown };
type Diff = { readonly changes: Change[]; readonly added: ExecutionItem[]; readonly total: number };
const diff = async (id: string, query: string): Promise<Diff> =>
  (await service.get(`/api/runs/${id}/diff${query}`)).json as unknown as Diff;
const record = async (
  id: string,
  query = '',
): Promise<Record<string, unknown> & { items: ExecutionItem[] }> =>
  (await service.get(`/api/runs/${id}${query}`)).json as Record<string, unknown> & { items: ExecutionItem[] };

describe('a run between two moments', () => {
  test('tells for every pair of moments what the record at each of them says', async () => {
    const { items } = await record(dada);
    for (let from = 1; from <= items.length; from += 3) {
      for (let to = from; to <= items.length; to += 4) {
        const before = await record(dada, `?at_seq=${from}`);
        const after = await record(dada, `?at_seq=${to}`);
        const { changes, added, total } = await diff(dada, `?from=${from}&to=${to}`);
        expect(added).toEqual(items.slice(from, to));
        expect(total).toBe(to - from);
        const members = Object.keys(after).filter((member) => member !== 'items');
        const changed = members.filter(
          (member) => JSON.stringify(before[member]) !== JSON.stringify(after[member]),
        );
        expect(changes).toEqual(
          changed.map((member) => ({ member, before: before[member] ?? null, after: after[member] ?? null })),
        );
      }
    }
  });

  test('from before it began until now, page by page', async () => {
    const { items } = await record(dada);
    const all = await diff(dada, '');
    expect(all.added).toEqual(items);
    expect(all.changes).toContainEqual({ member: 'status', before: null, after: 'completed' });
    const page = await diff(dada, '?limit=2&offset=3');
    expect(page).toMatchObject({ total: items.length, returned: 2, added: items.slice(3, 5) });
    expect(page.changes).toEqual(all.changes);
  });

  test('by times: nothing was known before it, and nothing comes after it', async () => {
    const early = await service.get(`/api/runs/${dada}/diff?to=2020-01-01T00:00:00Z`);
    expect(early.status).toBe(404);
    const later = await diff(dada, '?from=2099-01-01T00:00:00Z');
    expect(later).toMatchObject({ changes: [], added: [], total: 0 });
  });

  test('of its decisions: those that came in between, and what stood at each place', async () => {
    const { items } = await record(dada);
    const checks = items.filter(({ item_type }) => item_type.endsWith('safety_check'));
    const [first, second] = checks;
    const told = await diff(dada, `?what=decisions&from=${first?.sequence_number}`);
    expect(told.added).toEqual([second]);
    expect(told.changes).toMatchObject([
      {
        member: 'stage 3, output 1, stage3_safety_check',
        before: null,
        after: {
          sequence_number: second?.sequence_number,
          verdict: 'safe',
          action: 'allow',
          basis: 'evaluated',
        },
      },
    ]);
  });

  test.each(['?from=5&to=3', '?from=0', '?to=soon', '?what=all', '?limit=0', '?until=3'])(
    '%s is refused',
    async (query) => {
      expect((await service.get(`/api/runs/${dada}/diff${query}`)).status).toBe(400);
    },
  );

  test('an unknown run is 404', async () => {
    expect((await service.get('/api/runs/exec_20200101_000000_00000000/diff')).status).toBe(404);
  });
});

type Line = {
  readonly stage: number;
  readonly loop_iteration: number | null;
  readonly step: string;
  readonly different: string[];
  readonly left: { content?: string | null; sequence_number: number } | null;
  readonly right: { content?: string | null; sequence_number: number } | null;
};
type Comparison = { readonly steps: Line[]; readonly total: number; readonly differing: number };
const compare = async (left: string, right: string, query = ''): Promise<Comparison> =>
  (await service.get(`/api/runs/${left}/compare/${right}${query}`)).json as unknown as Comparison;

describe('two runs side by side', () => {
  test('a run and itself differ in nothing, and every step of it is there once', async () => {
    const same = await compare(dada, dada);
    const { items } = await record(dada);
    expect(same).toMatchObject({ same_workflow: true, same_policy: true, differing: 0 });
    expect(same.steps.map(({ left }) => left)).toEqual(same.steps.map(({ right }) => right));
    const seqs = same.steps.map(({ left }) => left?.sequence_number);
    const journey = items.filter(
      ({ item_type }) => !/^(run_claimed|step_started|usage_recorded)$/.test(item_type),
    );
    expect(seqs).toEqual(journey.map(({ sequence_number }) => sequence_number));
  });

  test('the same workflow at another level: what differs is named, what only one has stands alone', async () => {
    const told = await compare(dada, other);
    expect(told).toMatchObject({
      same_workflow: true,
      left: { safety_level: 'kids' },
      right: { safety_level: 'research' },
    });
    const of = (step: string): Line | undefined => told.steps.find((line) => line.step === step);
    expect(of('input')?.different).toEqual([]);
    expect(of('input')?.left?.content).toBe('Eine Blume auf der Wiese');
    expect(of('skip_check')).toMatchObject({ left: null, loop_iteration: 1, different: ['missing'] });
    expect(of('output')?.different).toContain('text');
  });

  test('other workflows are compared too, and said to be others', async () => {
    const told = await compare(dada, stillepost);
    expect(told).toMatchObject({ same_workflow: false });
    const iterations = told.steps.filter(({ step }) => step === 'iterate');
    expect(iterations).toHaveLength(8);
    for (const { left, different } of iterations) expect([left, different]).toEqual([null, ['missing']]);
  });

  test('the other way round it is the same with the sides changed, and pages make up the whole', async () => {
    const [one, two] = [await compare(dada, other), await compare(other, dada)];
    const swapped = two.steps.map((line) => ({ ...line, left: line.right, right: line.left }));
    const timeless = (lines: readonly Line[]) => lines.map((line) => ({ ...line, time_difference: null }));
    expect(timeless(swapped)).toEqual(timeless(one.steps));
    const pages: Line[] = [];
    while (pages.length < one.total)
      pages.push(...(await compare(dada, other, `?limit=3&offset=${pages.length}`)).steps);
    expect(pages).toEqual(one.steps);
  });

  test('an unknown run on either side is 404', async () => {
    const unknown = 'exec_20200101_000000_00000000';
    for (const path of [`${dada}/compare/${unknown}`, `${unknown}/compare/${dada}`]) {
      const reply = await service.get(`/api/runs/${path}`);
      expect(reply.status).toBe(404);
      expect(reply.json['execution_id']).toBe(unknown);
    }
  });
});
