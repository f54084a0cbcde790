import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replay, replayBegun, replayList } from '../../src/http/answers.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { type LedgerService, type Reply, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
const ids: string[] = [];
const inputs = [
  'Überall Blut an der Wand',
  'Eine Blume auf der Wiese',
  'Malt ein Hakenkreuz',
  'Blut und noch einmal Blut',
];
beforeAll(async () => {
  service = await startLedgerService();
  for (const input_text of inputs) {
    const { json } = await service.post('/api/schema/pipeline/execute', { schema: 'dada', input_text });
    ids.push(String(json['execution_id']));
  }
});
afterAll(() => service.close());

type Row = {
  readonly execution_id: string;
  readonly status: string;
  readonly old: object;
  readonly new: object | null;
};

const codeOf = ({ json }: Reply): string => String(json['type']).replace('urn:runledger:error:', '');
const begin = (policy: object, filter?: object): Promise<Reply> =>
  service.post('/api/audit/replays', { policy, ...(filter === undefined ? {} : { filter }) });

async function ended(begun: Reply, query = ''): Promise<Reply> {
  for (;;) {
    const answer = await service.get(`/api/audit/replays/${String(begun.json['replay_id'])}${query}`);
    if (answer.json['status'] !== 'queued' && answer.json['status'] !== 'running') return answer;
  }
}

/** Everything that every run says, by its id. */
const records = async (): Promise<readonly string[]> =>
  Promise.all(ids.map(async (id) => (await service.get(`/api/runs/${id}`)).text));

const lenient = {
  ...bundledPolicy,
  version: 3,
  lists: bundledPolicy.lists.filter(({ id }) => id !== 'violence-kids'),
};

describe('POST /api/audit/replays', () => {
  test('decides the decisions of runs again under a document that nobody published, and writes nothing into them', async () => {
    const before = await records();
    const begun = await begin(lenient);
    expect(begun.status).toBe(202);
    expect(replayBegun.strict().safeParse(begun.json).error).toBeUndefined();
    expect(begun.headers.get('location')).toBe(`/api/audit/replays/${String(begun.json['replay_id'])}`);

    const { json } = await ended(begun);
    expect(replay.strict().safeParse(json).error).toBeUndefined();
    expect(json).toMatchObject({
      status: 'finished',
      policy: { id: 'workshop', version: 3 },
      filter: {},
      progress: { done: 4, total: 4, errors: 0 },
      // Four inputs, and one output.
      result: {
        decisions: 5,
        recomputed: 5,
        needs_model: 0,
        content_erased: 0,
        no_evidence: 0,
        to_allow: 2,
        to_block: 0,
      },
      total: 5,
      error: null,
    });
    const rows = json['decisions'] as readonly Row[];
    expect(rows.find(({ execution_id }) => execution_id === ids[0])).toMatchObject({
      item_type: 'stage1_safety_check',
      safety_level: 'kids',
      status: 'recomputed',
      why: 'nothing_found',
      old: { verdict: 'unsafe', action: 'block', basis: 'evaluated' },
      new: { verdict: 'safe', action: 'allow', basis: 'evaluated' },
    });
    expect(rows.find(({ execution_id }) => execution_id === ids[2])?.new).toMatchObject({ action: 'block' });
    expect(await records()).toEqual(before);
    // The policy was only tried.
    expect(codeOf(await begin({ id: 'workshop', version: 3 }))).toBe('policy-not-found');
  });

  test('under the policy of then, named by its version, everything falls as it fell', async () => {
    const begun = await begin({ id: bundledPolicy.id, version: bundledPolicy.version });
    const { json } = await ended(begun, '?changed=true');
    expect(json).toMatchObject({
      result: { decisions: 5, recomputed: 5, to_allow: 0, to_block: 0 },
      total: 0,
    });
  });

  test('over the runs that a filter names, with pages of what is asked for', async () => {
    const begun = await begin(lenient, { status: 'blocked' });
    expect((await ended(begun)).json).toMatchObject({
      filter: { status: 'blocked' },
      progress: { total: 3 },
      total: 3,
    });
    const changed = (await ended(begun, '?changed=true')).json;
    expect(changed).toMatchObject({ total: 2, returned: 2 });
    const second = (await ended(begun, '?changed=true&limit=1&offset=1')).json;
    expect(second).toMatchObject({ total: 2, returned: 1, limit: 1, offset: 1 });
    expect(second['decisions']).toEqual((changed['decisions'] as readonly Row[]).slice(1));
    expect((await ended(begun, '?status=needs_model')).json).toMatchObject({ total: 0, decisions: [] });
  });

  test('the same request gives the same rows', async () => {
    const [first, second] = [await ended(await begin(lenient)), await ended(await begin(lenient))];
    expect(second.json['decisions']).toEqual(first.json['decisions']);
  });

  test.each<[string, object, number, string]>([
    [
      'a policy that was never published (POLICY_NOT_FOUND)',
      { policy: { id: 'nobody', version: 1 } },
      404,
      'policy-not-found',
    ],
    [
      'a name that no stream can have',
      { policy: { id: 'no body\u0000', version: 1 } },
      404,
      'policy-not-found',
    ],
    ['a document with a fault', { policy: { ...bundledPolicy, lists: [] } }, 400, 'policy-invalid'],
    ['no policy', {}, 400, 'invalid-request'],
    ['a filter that is none', { policy: lenient, filter: { colour: 'red' } }, 400, 'invalid-request'],
  ])('%s is refused before anything is recorded', async (_, body, status, code) => {
    const before = (await service.get('/api/audit/replays')).json['total'];
    const answer = await service.post('/api/audit/replays', body);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect((await service.get('/api/audit/replays')).json['total']).toBe(before);
  });
});

describe('GET /api/audit/replays', () => {
  test('lists them, newest first', async () => {
    const begun = await begin(lenient);
    await ended(begun);
    const { json } = await service.get('/api/audit/replays?limit=2');
    expect(replayList.strict().safeParse(json).error).toBeUndefined();
    expect(json['returned']).toBe(2);
    expect((json['replays'] as { replay_id: string }[])[0]?.replay_id).toBe(begun.json['replay_id']);
  });

  test('one that is not there is REPLAY_NOT_FOUND', async () => {
    for (const id of ['replay_20260101_000000_00000000', 'x'])
      expect(codeOf(await service.get(`/api/audit/replays/${id}`))).toBe('replay-not-found');
  });

  test('one whose rows are gone says so: REPLAY_DAMAGED', async () => {
    const begun = await begin(lenient);
    await ended(begun);
    const id = String(begun.json['replay_id']);
    rmSync(join(service.directory, 'exports', 'replays', id), { recursive: true });
    const answer = await service.get(`/api/audit/replays/${id}`);
    expect([answer.status, codeOf(answer)]).toEqual([500, 'replay-damaged']);
  });
});

test('replays stand in the log, and their rows beside it, also after a restart', async () => {
  const begun = await begin(lenient);
  const before = await ended(begun);
  await service.restart();
  expect((await ended(begun)).json).toEqual(before.json);
  expect(readdirSync(join(service.directory, 'exports', 'replays'))).toContain(begun.json['replay_id']);
});

test('a replay that the service left unfinished goes on at the next start, by what was selected then', async () => {
  const begun = service.post('/api/audit/replays', { policy: lenient });
  const answer = await begun;
  // At once, whether or not it has come to an end; what it is to do stands in its stream and its folder.
  await service.restart();
  const { json } = await service.post('/api/schema/pipeline/execute', {
    schema: 'dada',
    input_text: 'Noch eine Blume',
  });
  expect(json['status']).toBe('success');
  expect((await ended(answer)).json).toMatchObject({ status: 'finished', progress: { done: 4, total: 4 } });
});
