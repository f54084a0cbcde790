import { Buffer } from 'node:buffer';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LedgerService, startLedgerService } from './ledger-service.ts';

type Bad = {
  readonly kind: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
};
type Draw = (below: number) => number;

const runId = 'exec_20260101_000000_0badf00d';
const json: Record<string, string> = { 'content-type': 'application/json' };
const post = (kind: string, path: string, body: unknown, headers: Record<string, string> = json): Bad => ({
  kind,
  method: 'POST',
  path,
  headers,
  body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
});
const put = (kind: string, body: unknown, headers: Record<string, string> = {}): Bad => ({
  ...post(kind, '/api/workflows/mine', body, { ...json, ...headers }),
  method: 'PUT',
});
const goodWorkflow = {
  id: 'mine',
  name: { en: 'a', de: 'a' },
  description: { en: 'a', de: 'a' },
  pipeline: 'text_transformation',
  instruction_type: 'description',
};
const create = { 'if-none-match': '*' };
const items = `/api/runs/${runId}/items`;
const execute = '/api/schema/pipeline/execute';
const goodItem = { item_type: 'user_input_text', content: 'a meadow' };
const word = (draw: Draw): string => `w${draw(1e6).toString(36)}`;
const anyOf = <T>(draw: Draw, values: readonly T[]): T => values[draw(values.length)] as T;
const wrongValue = (draw: Draw): unknown =>
  anyOf<unknown>(draw, [[], {}, true, -1, 1.5, '', 99, [1], { a: 1 }]);

/** Each makes one request that is wrong in one way. */
const makers: readonly ((draw: Draw) => Bad)[] = [
  (draw) => post('truncated JSON', items, JSON.stringify(goodItem).slice(0, 1 + draw(50))),
  (draw) =>
    post('no JSON', execute, anyOf(draw, ['', 'null!', '{', '[1,', "{'a':1}", 'NaN', '{"a":01}', '﻿{}'])),
  (draw) =>
    post('key twice', items, `{"item_type":"user_input_text","content":"a","content":"${word(draw)}"}`),
  (draw) =>
    post('key twice, deep', items, `{"item_type":"x_y","metadata":{"a":{"${word(draw)}":1,"b":2,"b":2}}}`),
  (draw) => post('unknown member', items, { ...goodItem, [word(draw)]: 1 }),
  (draw) => post('unknown member of a start', '/api/runs', { config_name: 'dada', [word(draw)]: word(draw) }),
  (draw) => post('unknown member of execute', execute, { schema: 'dada', input_text: 'a', [word(draw)]: 1 }),
  (draw) => post('missing member', execute, anyOf(draw, [{ schema: 'dada' }, { input_text: 'a' }, {}])),
  (draw) => post('unknown workflow', execute, { schema: word(draw), input_text: 'a' }),
  (draw) =>
    post('item_type of the wrong form', items, {
      item_type: anyOf(draw, ['X', '1a', 'a-b', 'ä', 'a'.repeat(99)]),
    }),
  (draw) => post('stage of another item type', items, { ...goodItem, stage: anyOf(draw, [0, 2, 3, 4, 5]) }),
  (draw) => post('stage beyond 5', items, { item_type: 'foreign_step', stage: 6 + draw(99) }),
  (draw) =>
    post('iteration missing', items, {
      item_type: anyOf(draw, ['interception_iteration', 'output_image', 'stage3_safety_check']),
      content: 'a',
      file_path: 'b',
    }),
  (draw) =>
    post('iteration out of turn', items, {
      item_type: 'interception_iteration',
      content: 'a',
      stage_iteration: 2 + draw(9),
    }),
  (draw) =>
    post('wrong type of member', items, {
      ...goodItem,
      [anyOf(draw, ['content', 'metadata', 'loop_iteration', 'execution_time', 'media_type'])]:
        wrongMember(draw),
    }),
  (draw) =>
    post(
      'number that readers round',
      items,
      `{"item_type":"foreign_step","metadata":{"seed":${9007199254740993n + BigInt(draw(1e6))}}}`,
    ),
  (draw) =>
    post(
      'number without end',
      items,
      `{"item_type":"foreign_step","execution_time":${anyOf(draw, ['1e999', '-1e999'])}}`,
    ),
  (draw) =>
    post(
      'reserved key',
      items,
      `{"item_type":"foreign_step","metadata":{"${anyOf(draw, ['__proto__', 'constructor'])}":{"a":1}}}`,
    ),
  (draw) => post('lone surrogate', items, `{"item_type":"foreign_step","content":"${word(draw)}\\ud83d"}`),
  (draw) =>
    post(
      'nested too deep',
      items,
      `{"item_type":"foreign_step","metadata":{"a":${'['.repeat(40 + draw(9000))}`.concat(']'.repeat(40)),
    ),
  (draw) => post('deep but closed', items, { item_type: 'foreign_step', metadata: nested(33 + draw(60)) }),
  (draw) =>
    post(
      'bytes that are no UTF-8',
      items,
      Buffer.concat([
        Buffer.from('{"item_type":"foreign_step","content":"'),
        Buffer.from([0xc0 + draw(2), 0x20]),
        Buffer.from('"}'),
      ]),
    ),
  (draw) =>
    post('other content type', items, goodItem, {
      'content-type': anyOf(draw, [
        'text/plain',
        'application/xml',
        'multipart/form-data',
        'application/json-seq',
      ]),
    }),
  () => post('too many items', items, { items: Array.from({ length: 501 }, () => goodItem) }),
  () => post('no items', items, { items: [] }),
  (draw) =>
    post('one bad item among good ones', items, {
      items: [goodItem, { ...goodItem, [word(draw)]: 1 }, goodItem],
    }),
  (draw) => post('too large for one append', items, { ...goodItem, content: 'ä'.repeat(500_000 + draw(9)) }),
  (draw) =>
    post('time without a zone', items, {
      ...goodItem,
      timestamp: anyOf(draw, ['2026-01-01T00:00:00', 'yesterday', '2026-02-30T00:00:00Z', '']),
    }),
  (draw) => post('stale If-Match', items, goodItem, { ...json, 'if-match': `"${5 + draw(99)}"` }),
  (draw) =>
    post('If-Match of no form', items, goodItem, {
      ...json,
      'if-match': anyOf(draw, ['1', 'W/"1"', '*', '"x"']),
    }),
  (draw) => post('unknown run', `/api/runs/${word(draw)}/items`, goodItem),
  (draw) =>
    post(
      'steering of an unknown run, or of one that is executed elsewhere',
      `/api/runs/${anyOf(draw, [word(draw), runId])}/${anyOf(draw, ['cancel', 'pause', 'resume'])}`,
      anyOf(draw, [{}, { reason: word(draw) }]),
    ),
  (draw) =>
    post(
      'steering with rubbish',
      `/api/runs/${runId}/cancel`,
      anyOf<unknown>(draw, [[], 1, { [word(draw)]: 1 }]),
    ),
  (draw) =>
    post('start with rubbish', '/api/workflows/dada/execute', {
      input_text: 'a',
      [anyOf(draw, ['seed', 'scope_type', 'execution_mode', 'user_id', 'input'])]: wrongMember(draw),
    }),
  (draw) =>
    post('start of an unknown workflow', anyOf(draw, ['/api/executions', '/executions/']), {
      workflow_id: word(draw),
      input_text: 'a',
    }),
  (draw) =>
    post('input picture that is not there', '/api/workflows/dada/execute', {
      input: { text: 'a', images: [anyOf(draw, [word(draw), '0'.repeat(64), '/api/media/../../x'])] },
    }),
  (draw) =>
    post(
      'request key of the wrong form',
      '/api/workflows/dada/execute',
      { input_text: 'a' },
      {
        ...json,
        'idempotency-key': anyOf(draw, ['two words', 'x'.repeat(256 + draw(99))]),
      },
    ),
  (draw) =>
    post('id of the wrong form', '/api/runs', {
      config_name: 'dada',
      execution_id: anyOf(draw, ['stats', 'import', '../x', '', 'a b', '-a', 'a'.repeat(129)]),
    }),
  () => post('run that exists', '/api/runs', { config_name: 'dada', execution_id: runId }),
  (draw) => post('level that is none', '/api/runs', { config_name: 'dada', safety_level: word(draw) }),
  (draw) =>
    post('seed of the wrong kind', execute, {
      schema: 'dada',
      input_text: 'a',
      seed: anyOf<unknown>(draw, ['1', 1.5, {}, true]),
    }),
  () => post('empty prompt', execute, { schema: 'dada', input_text: '' }),
  (draw) =>
    post(
      'import of too many',
      '/api/runs/import',
      Array.from({ length: 101 + draw(9) }, () => ({})),
    ),
  (draw) => post('import in no zone', `/api/runs/import?timezone=${word(draw)}`, []),
  (draw) => ({
    kind: 'bad limit',
    method: 'GET',
    path: `/api/runs?limit=${anyOf(draw, ['0', '101', '-1', 'x', '1.5', '1e1', '%20', '%D9%A3', ''])}`,
  }),
  (draw) => ({
    kind: 'bad offset',
    method: 'GET',
    path: `/api/runs?offset=${anyOf(draw, ['-1', 'x', '1.5', '9'.repeat(20), ''])}`,
  }),
  (draw) => ({
    kind: 'bad date',
    method: 'GET',
    path: `/api/runs?date=${anyOf(draw, ['2026-13-01', '2026-02-30', '01.01.2026', 'today', ''])}`,
  }),
  (draw) => ({ kind: 'bad status', method: 'GET', path: `/api/runs?status=${word(draw)}` }),
  (draw) => ({ kind: 'unknown parameter', method: 'GET', path: `/api/runs?${word(draw)}=1` }),
  () => ({ kind: 'parameter twice', method: 'GET', path: '/api/runs?limit=1&limit=2' }),
  (draw) => ({ kind: 'unknown run read', method: 'GET', path: `/api/runs/${word(draw)}` }),
  (draw) => ({
    kind: 'bad at_seq',
    method: 'GET',
    path: `/api/runs/${runId}?at_seq=${anyOf(draw, ['0', '-1', 'x', '1.5', ''])}`,
  }),
  (draw) => ({
    kind: 'bad at',
    method: 'GET',
    path: `/api/runs/${runId}?at=${anyOf(draw, ['now', '2026-01-01', ''])}`,
  }),
  (draw) => ({ kind: 'unknown export', method: 'GET', path: `/api/runs/${runId}/export/${word(draw)}` }),
  (draw) => ({
    kind: 'unknown medium',
    method: 'GET',
    path: `/api/media/${anyOf(draw, ['0'.repeat(64), 'x', '..%2f..%2fetc%2fpasswd', '%00'])}`,
  }),
  (draw) => put('unknown member of a workflow', { ...goodWorkflow, [word(draw)]: 1 }, create),
  (draw) =>
    put(
      'wrong member of a workflow',
      {
        ...goodWorkflow,
        // An empty object is a good value for parameters, and for media_defaults.
        ...anyOf<object>(draw, [
          { [anyOf(draw, ['id', 'name', 'steps', 'meta', 'pipeline'])]: wrongValue(draw) },
          { [anyOf(draw, ['parameters', 'media_defaults'])]: wrongMember(draw) },
        ]),
      },
      create,
    ),
  (draw) => put('no workflow', anyOf<unknown>(draw, ['[]', '7', 'null', '""', '{}', '{"meta":{}}']), create),
  () => put('write without a precondition', goodWorkflow),
  (draw) =>
    put('precondition of no form', goodWorkflow, {
      [anyOf(draw, ['if-match', 'if-none-match'])]: anyOf(draw, [
        '1',
        '""',
        'W/"1"',
        '"x"',
        '"1","2"',
        '"-1"',
      ]),
    }),
  (draw) => put('stale workflow', goodWorkflow, { 'if-match': `"${1 + draw(99)}"` }),
  (draw) => ({
    kind: 'unknown workflow read',
    method: 'GET',
    path: `/api/workflows/${word(draw)}${anyOf(draw, ['', '/versions', '/versions/1', '/schema/a', '?a=1'])}`,
  }),
  (draw) => ({
    kind: 'version that is none',
    method: 'GET',
    path: `/api/workflows/dada/versions/${anyOf(draw, ['0', '99', '-1', 'x', '%00'])}`,
  }),
  (draw) => ({
    kind: 'retiring of nothing',
    method: 'DELETE',
    path: `/api/workflows/${anyOf(draw, ['dada', word(draw)])}`,
    headers: anyOf<Record<string, string>>(draw, [{}, { 'if-match': '"99"' }, { 'if-match': '*' }]),
  }),
  (draw) => ({
    kind: 'unknown address',
    method: anyOf(draw, ['GET', 'POST', 'DELETE']),
    path: `/${word(draw)}/${word(draw)}`,
  }),
  (draw) => ({
    kind: 'other method',
    method: anyOf(draw, ['PUT', 'DELETE', 'PATCH']),
    path: anyOf(draw, ['/api/runs', `/api/runs/${runId}`, '/health/live', execute]),
  }),
  (draw) => ({
    kind: 'bad percent code',
    method: 'GET',
    path: `/api/runs/%${anyOf(draw, ['zz', 'c0%af', 'ff'])}`,
  }),
];

function wrongMember(draw: Draw): unknown {
  return anyOf<unknown>(draw, [[], true, [1], [{}]]);
}

function nested(depth: number): unknown {
  let value: unknown = wrongValue((below) => below - 1);
  for (let level = 0; level < depth; level += 1) value = { a: value };
  return value;
}

/** A small generator of whole numbers that gives the same ones at every run. */
function drawFrom(seed: number): Draw {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** node:http and not fetch: fetch mends what must arrive broken. */
function send(url: string, bad: Bad): Promise<{ status: number; type: string; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const outgoing = httpRequest(
      { hostname, port, method: bad.method, path: bad.path, headers: bad.headers ?? {} },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            type: answer.headers['content-type'] ?? '',
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(bad.body);
  });
}

let service: LedgerService;
beforeAll(async () => {
  service = await startLedgerService();
  const begun = await service.post('/api/runs', { config_name: 'dada', execution_id: runId });
  expect(begun.status).toBe(201);
});
afterAll(() => service.close());

test('1,000 malformed requests get only 4xx as problem documents, store nothing, and leave the service alive', async () => {
  const draw = drawFrom(20_261_121);
  const before = await service.signedHead();
  const wrong: unknown[] = [];
  for (let index = 0; index < 1_000; index += 1) {
    const bad = (makers[index % makers.length] as (draw: Draw) => Bad)(draw);
    const { status, type, text } = await send(service.url, bad);
    const isProblem = type.startsWith('application/problem+json') && JSON.parse(text).status === status;
    if (status < 400 || status >= 500 || !isProblem)
      wrong.push({ bad, status, type, text: text.slice(0, 300) });
  }
  expect(wrong).toEqual([]);
  expect(await service.ledger.head()).toBe(before);
  expect((await service.get('/health/ready')).status).toBe(200);
});

test('a refusal says what, why and what to do, and never shows a stack or a path of the machine', async () => {
  for (const make of makers) {
    const bad = make(drawFrom(7));
    const { text } = await send(service.url, bad);
    const problem = JSON.parse(text) as Record<string, string>;
    expect(Object.keys(problem), bad.kind).toEqual(
      expect.arrayContaining(['type', 'title', 'status', 'detail', 'instance', 'error', 'errors']),
    );
    expect(problem['detail'], bad.kind).toMatch(/: /);
    expect(text).not.toMatch(/node_modules|\.ts:|\/src\/|at async/);
  }
});
