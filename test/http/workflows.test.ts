import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { contentHash, parseDocument } from '../../src/workflows/document.ts';
import { type LedgerService, type Reply, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
beforeAll(async () => {
  service = await startLedgerService();
});
afterAll(() => service.close());

type Listed = { readonly id: string; readonly name: string; readonly step_count: number };
const idsOf = ({ json }: Reply): string[] => (json['workflows'] as Listed[]).map(({ id }) => id);
const ifMatch = (version: number): Record<string, string> => ({ 'if-match': `"${version}"` });
const create = { 'if-none-match': '*' };

let count = 0;
let id = '';
beforeEach(() => {
  count += 1;
  id = `mine-${count}`;
});

/** A document under the test's own id. */
const document = (word: string, more: object = {}): Record<string, unknown> => ({
  id,
  name: { en: `name ${word}`, de: `Name ${word}` },
  description: { en: 'what it does', de: 'was es tut' },
  pipeline: 'text_transformation',
  instruction_type: 'description',
  context: word,
  ...more,
});
const at = (): string => `/api/workflows/${id}`;
const codeOf = ({ json }: Reply): string =>
  String(json['type']).replace('urn:runledger:error:', '').toUpperCase().replaceAll('-', '_');

describe('GET /api/workflows', () => {
  test('lists what can be run, output configs where they are asked for', async () => {
    const bundled = ['dada', 'bauhaus', 'stillepost', 'image_comparison', 'passthrough', 'overdrive'];
    const all = await service.get('/api/workflows');
    expect(idsOf(all).slice(0, 8)).toEqual([...bundled, 'jugendsprache', 'theopposite']);
    expect(idsOf(await service.get('/api/workflows?stage=output'))).toEqual([
      'sd35_large',
      'flux1_dev',
      'gpt5_image',
      'stable_audio',
      'ace_step',
    ]);
    expect(idsOf(await service.get('/api/workflows?stage=pre_output'))).toEqual([]);
    expect((await service.get('/api/workflows?stage=input')).status).toBe(400);
  });

  test.each([
    ['de', 'Stille Post', 'de'],
    ['de-AT, en;q=0.8', 'Stille Post', 'de'],
    ['fr, de;q=0.3, en;q=0.2', 'Stille Post', 'de'],
    ['en;q=0.9, de;q=0.8', 'Telephone game', 'en'],
    ['de;q=0', 'Telephone game', 'en'],
    ['fr', 'Telephone game', 'en'],
    ['*', 'Telephone game', 'en'],
    ['de;q=x;;', 'Telephone game', 'en'],
  ])('is in the language of Accept-Language: %s', async (accept, name, language) => {
    const reply = await service.get('/api/workflows', { 'accept-language': accept });
    const found = (reply.json['workflows'] as Listed[]).find((one) => one.id === 'stillepost');
    expect(found).toMatchObject({ name, step_count: 8 });
    expect(reply.headers.get('content-language')).toBe(language);
    expect(reply.headers.get('vary')).toMatch(/accept-language/i);
  });

  test('is in English where no language is asked for', async () => {
    const { document: dada } = service.ledger.service.workflows.library.workflow('dada');
    const reply = await service.get('/api/workflows', { 'accept-language': '' });
    const { name, description } = dada;
    expect((reply.json['workflows'] as Listed[])[0]).toEqual({
      id: 'dada',
      name: name.en,
      description: description.en,
      step_count: 1,
    });
  });
});

describe('GET /api/workflows/{id}', () => {
  test('gives the document with its version, which is its ETag', async () => {
    const reply = await service.get('/api/workflows/dada');
    expect(reply.headers.get('etag')).toBe('"1"');
    expect(reply.json).toMatchObject({ id: 'dada', version: 1, source: 'bundled', retired: false });
    const parsed = parseDocument(reply.json['document']);
    expect(reply.json['sha256']).toBe(contentHash(parsed));
    expect(Date.parse(String(reply.json['published_at']))).toBeLessThanOrEqual(Date.now());
    const again = await service.get('/api/workflows/dada', { 'if-none-match': '"1"' });
    expect([again.status, again.text]).toEqual([304, '']);
    expect((await service.get('/api/workflows/dada', { 'if-none-match': '"2"' })).status).toBe(200);
  });

  test('an output config stands beside them', async () => {
    const { json } = await service.get('/api/workflows/ace_step');
    expect(json['document']).toMatchObject({
      media_type: 'music',
      meta: { stage: 'output' },
      parameters: { graph: 'ace_step' },
    });
  });

  test.each(['nowhere', '..%2fetc', '%00', 'x'.repeat(900), '%F0%9F%92%A5'.repeat(83), 'constructor'])(
    'what was never published is WORKFLOW_NOT_FOUND: %s',
    async (unknown) => {
      for (const rest of ['', '/versions', '/versions/1', '/schema/a']) {
        const reply = await service.get(`/api/workflows/${unknown}${rest}`);
        expect([reply.status, codeOf(reply)]).toEqual([404, 'WORKFLOW_NOT_FOUND']);
      }
    },
  );

  test('old names answer the same', async () => {
    for (const rest of ['', '/', '/dada', '/dada/versions', '/dada/versions/1', '?stage=output']) {
      const old = await service.get(`/workflows${rest}`);
      expect([old.status, old.json]).toEqual([200, (await service.get(`/api/workflows${rest}`)).json]);
    }
    expect((await service.get('/workflowsx')).status).toBe(404);
  });
});

describe('PUT /api/workflows/{id}', () => {
  test('creates, changes, and can be read back at once, in every old version too', async () => {
    const created = await service.put(at(), document('one'), create);
    expect([created.status, created.headers.get('etag'), created.headers.get('location')]).toEqual([
      201,
      '"1"',
      at(),
    ]);
    const changed = await service.put(at(), document('two'), ifMatch(1));
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    expect(changed.json).toMatchObject({ id, version: 2 });

    expect((await service.get(at())).json).toMatchObject({
      version: 2,
      source: 'http',
      sha256: changed.json['sha256'],
    });
    const { json } = await service.get(`${at()}/versions`);
    expect(json).toMatchObject({
      id,
      retired: false,
      versions: [
        { version: 2, sha256: changed.json['sha256'] },
        { version: 1, sha256: created.json['sha256'] },
      ],
    });
    const first = await service.get(`${at()}/versions/1`);
    expect(first.json['document']).toMatchObject({ context: 'one', visibility: 'private' });
    expect(first.json['sha256']).toBe(contentHash(parseDocument(first.json['document'])));
  });

  test('is run from then on, and a run keeps the version that it pinned', async () => {
    const run = () => service.post('/api/schema/pipeline/execute', { schema: id, input_text: 'a cat' });
    await service.put(at(), document('one'), create);
    const executed = await run();
    expect(executed.status).toBe(200);
    await service.put(at(), document('two'), ifMatch(1));
    await service.delete(at(), ifMatch(2));
    expect((await run()).status).toBe(404);

    const record = await service.get(`/api/runs/${String(executed.json['execution_id'])}`);
    const [start] = record.json['items'] as { readonly metadata: Record<string, unknown> }[];
    const pinned = start?.metadata['workflow_sha256'];
    const { json } = await service.get(`${at()}/versions`);
    const versions = json['versions'] as { readonly version: number; readonly sha256: string }[];
    const version = versions.find(({ sha256 }) => sha256 === pinned)?.version;
    expect(version).toBe(1);
    const found = await service.get(`${at()}/versions/${version}`);
    expect(found.json).toMatchObject({ retired: true, document: { context: 'one' } });
    const { library } = service.ledger.service.workflows;
    expect(library.version(String(pinned)).document).toEqual(found.json['document']);
  });

  test('the same content again changes nothing, whatever version it came over', async () => {
    await service.put(at(), document('one'), create);
    await service.put(at(), document('two'), ifMatch(1));
    const head = await service.signedHead();
    for (const headers of [ifMatch(2), ifMatch(1), create]) {
      const again = await service.put(at(), document('two', { visibility: 'private' }), headers);
      expect([again.status, again.json['version']]).toEqual([200, 2]);
    }
    expect(await service.ledger.head()).toBe(head);
  });

  test('WORKFLOW_VERSION refuses a version that is not the one that stands', async () => {
    await service.put(at(), document('one'), create);
    const head = await service.signedHead();
    for (const headers of [ifMatch(2), ifMatch(0), create]) {
      const refused = await service.put(at(), document('two'), headers);
      expect([refused.status, codeOf(refused)]).toEqual([412, 'WORKFLOW_VERSION']);
    }
    const unknown = await service.put(
      '/api/workflows/unknown',
      document('one', { id: 'unknown' }),
      ifMatch(1),
    );
    expect([unknown.status, unknown.json['actual']]).toEqual([412, 'none']);
    expect(await service.ledger.head()).toBe(head);
  });

  test('of fifty changes to one version exactly one is made', async () => {
    await service.put(at(), document('one'), create);
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) => service.put(at(), document(`change ${index}`), ifMatch(1))),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 412)).toHaveLength(49);
    expect((await service.get(at())).json['version']).toBe(2);
  });

  test('PRECONDITION_REQUIRED refuses a write that does not say what it changes', async () => {
    const put = await service.put(at(), document('one'));
    expect([put.status, codeOf(put)]).toEqual([428, 'PRECONDITION_REQUIRED']);
    const deleted = await service.delete('/api/workflows/dada');
    expect([deleted.status, codeOf(deleted)]).toEqual([428, 'PRECONDITION_REQUIRED']);
  });

  test.each<[string, Record<string, string>]>([
    ['a version without quotes', { 'if-match': '1' }],
    ['a weak tag', { 'if-match': 'W/"1"' }],
    ['any version', { 'if-match': '*' }],
    ['two versions', { 'if-match': '"1", "2"' }],
    ['a version that must not be there', { 'if-none-match': '"1"' }],
    ['both', { 'if-match': '"1"', 'if-none-match': '*' }],
  ])('%s is no precondition', async (_title, headers) => {
    const refused = await service.put(at(), document('one'), headers);
    expect([refused.status, codeOf(refused)]).toEqual([400, 'INVALID_REQUEST']);
  });

  test('a document with faults is refused with their pointers, and nothing is written', async () => {
    const head = await service.signedHead();
    const pointers = async (body: unknown): Promise<unknown> => {
      const refused = await service.put(at(), body, create);
      expect([refused.status, codeOf(refused)]).toEqual([400, 'WORKFLOW_INVALID']);
      return (refused.json['errors'] as { pointer: string }[]).map(({ pointer }) => pointer);
    };
    expect(await pointers(document('x', { pipeline: 'magic', visibility: 'secret' }))).toEqual([
      '/pipeline',
      '/visibility',
    ]);
    expect(await pointers(document('x', { id: 'another' }))).toEqual(['/id']);
    const media_preferences = { output_configs: ['sd35_large', 'nowhere'] };
    expect(await pointers(document('x', { media_preferences }))).toEqual([
      '/media_preferences/output_configs/1',
    ]);
    expect(await pointers([])).toEqual(['']);
    const twice = await service.put(at(), '{"id":"a","id":"b"}', create);
    expect([twice.status, codeOf(twice)]).toEqual([400, 'INVALID_JSON']);
    expect(await service.ledger.head()).toBe(head);
  });

  test('a new output config is what workflows can name from then on', async () => {
    const config = {
      id,
      name: { en: 'Paint', de: 'Farbe' },
      description: { en: 'x', de: 'x' },
      media_type: 'image',
      backend: 'comfyui',
      model: 'm',
      execution_mode: 'eco',
      meta: { stage: 'output' },
    };
    const naming = { id: `${id}-poster`, media_preferences: { output_configs: [id] } };
    const poster = `/api/workflows/${id}-poster`;
    expect((await service.put(poster, document('x', naming), create)).status).toBe(400);
    expect((await service.put(at(), config, create)).status).toBe(201);
    expect((await service.put(poster, document('x', naming), create)).status).toBe(201);

    const refused = await service.delete(at(), ifMatch(1));
    expect([refused.status, codeOf(refused)]).toEqual([409, 'WORKFLOW_IN_USE']);
    expect(refused.json['detail']).toContain(`needed by ${id}-poster`);
    expect((await service.delete(poster, ifMatch(1))).status).toBe(204);
    expect((await service.delete(at(), ifMatch(1))).status).toBe(204);
  });
});

describe('DELETE /api/workflows/{id}', () => {
  test('retires it by an event: not listed, not run, but read, and published again as the next version', async () => {
    await service.put(at(), document('one'), create);
    const stale = await service.delete(at(), ifMatch(2));
    expect([stale.status, codeOf(stale)]).toEqual([412, 'WORKFLOW_VERSION']);
    const deleted = await service.delete(at(), ifMatch(1));
    expect([deleted.status, deleted.text]).toEqual([204, '']);

    expect(idsOf(await service.get('/api/workflows'))).not.toContain(id);
    const retired = await service.get(at(), { 'if-none-match': '"1"' });
    expect([retired.status, retired.headers.get('etag')]).toEqual([200, null]);
    expect(retired.json).toMatchObject({ version: 1, retired: true, document: { context: 'one' } });
    expect((await service.get(`${at()}/schema/a`)).status).toBe(404);
    expect(codeOf(await service.delete(at(), ifMatch(1)))).toBe('WORKFLOW_NOT_FOUND');
    expect(codeOf(await service.put(at(), document('one'), ifMatch(1)))).toBe('WORKFLOW_VERSION');

    const back = await service.put(at(), document('one'), create);
    expect([back.status, back.json['version']]).toEqual([201, 2]);
    expect((await service.get(at())).json).toMatchObject({ version: 2, retired: false });
  });
});

describe('GET /api/workflows/{id}/versions/{version}', () => {
  test.each(['0', '2', '-1', '1.0', '01', 'latest', '9'.repeat(20)])(
    'VERSION_NOT_FOUND where there is none: %s',
    async (version) => {
      const reply = await service.get(`/api/workflows/dada/versions/${version}`);
      expect([reply.status, codeOf(reply)]).toEqual([404, 'VERSION_NOT_FOUND']);
    },
  );
});

describe('GET /api/workflows/{id}/schema/{step_id}', () => {
  test('is the output schema of a step, an empty one where it takes anything', async () => {
    const output_schema = { type: 'object', properties: { title: { type: 'string' } } };
    const steps = [
      { id: 'plan', role: 'editor', task: 'plan', output_schema },
      { id: 'write/it', role: 'author', task: 'write' },
    ];
    await service.put(at(), document('x', { pipeline: 'steps', steps }), create);
    expect((await service.get(`${at()}/schema/plan`)).json).toEqual(output_schema);
    expect((await service.get(`${at()}/schema/write%2Fit`)).json).toEqual({});
    const listed = (await service.get('/api/workflows')).json['workflows'] as Listed[];
    expect(listed.find((one) => one.id === id)).toMatchObject({ step_count: 2 });
    const missing = await service.get(`${at()}/schema/print`);
    expect([missing.status, codeOf(missing)]).toEqual([404, 'STEP_NOT_FOUND']);
    expect(missing.json['detail']).toContain('known are plan, write/it');
    expect(codeOf(await service.get('/api/workflows/dada/schema/plan'))).toBe('STEP_NOT_FOUND');
  });
});

test('/openapi.json says what a document is, though its own parser checks it', async () => {
  const { json } = await service.get('/openapi.json');
  const paths = json['paths'] as Record<string, { put?: { requestBody: unknown } }>;
  const body = JSON.stringify(paths['/api/workflows/{id}']?.put?.requestBody);
  expect(body).toContain('"concurrency"');
  expect(body).toContain('"media_preferences"');
  expect(body).toContain('"backend"');
});
