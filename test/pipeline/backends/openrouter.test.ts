import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BackendError } from '../../../src/pipeline/backends/backend-error.ts';
import { maxReasons, moderated } from '../../../src/pipeline/backends/openrouter/moderation.ts';
import { openrouterText } from '../../../src/pipeline/backends/openrouter/openrouter-text.ts';
import type { TextResponse } from '../../../src/pipeline/backends/text-backend.ts';
import { tickingClock } from '../harness.ts';
import {
  type OpenaiFault,
  type OpenaiServer,
  openaiStatus,
  openrouterKey,
  startOpenai,
} from './openai-server.ts';
import { failureOf, markers, textRequest, unaborted } from './text-request.ts';

let server: OpenaiServer;

beforeEach(async () => {
  server = await startOpenai({ flavour: 'openrouter' });
});
afterEach(() => server.close());

const ask = (
  overrides: Parameters<typeof textRequest>[1] = {},
  apiKey = openrouterKey,
): Promise<TextResponse> =>
  openrouterText({ url: server.url, apiKey, clock: tickingClock() }).run(
    textRequest('example/large', overrides),
    unaborted(),
  );

const failed = (fault: OpenaiFault): Promise<BackendError> => {
  server.script(fault);
  return failureOf(ask());
};

const realKey = process.env['OPENROUTER_API_KEY'];
const realModel = process.env['OPENROUTER_MODEL'] ?? 'openai/gpt-4o-mini';
const realUrl = process.env['OPENROUTER_URL'] ?? 'https://openrouter.ai/api/v1';

describe.each([
  {
    where: 'the test server',
    url: () => server.url,
    apiKey: openrouterKey,
    model: 'example/large',
    isAbsent: false,
  },
  {
    where: `the real one with ${realModel} (OPENROUTER_API_KEY${realKey === undefined ? ' is not set: skipped' : ''})`,
    url: () => realUrl,
    apiKey: realKey ?? '',
    model: realModel,
    isAbsent: realKey === undefined,
  },
])('on $where', ({ url, apiKey, model, isAbsent }) => {
  test.skipIf(isAbsent)(
    'a text comes with its provider, its cost and the host it left the house for',
    async () => {
      const backend = openrouterText({ url: url(), apiKey, clock: tickingClock() });
      const response = await backend.run(textRequest(model), unaborted());
      expect(response).toMatchObject({
        backend: 'openrouter',
        method: 'llm',
        remoteHost: new URL(url()).host,
        usage: {
          input_tokens: expect.any(Number),
          output_tokens: expect.any(Number),
          reported_cost: expect.any(Number),
        },
        metadata: { provider: expect.any(String), generation_id: expect.stringMatching(/^gen-/) },
      });
      expect(response.text).not.toBe('');
      expect(inspect(response, { depth: 9 })).not.toContain(apiKey);
    },
  );
});

test('a text is the same as from any server of the protocol, comments passed over', async () => {
  await expect(ask()).resolves.toMatchObject({
    text: `Told again: ${markers}`,
    model: 'example/large',
    seed: null,
    finishReason: 'stop',
    usage: {
      input_tokens: 11,
      cached_input_tokens: 2,
      output_tokens: 11,
      reasoning_tokens: 4,
      reported_cost: 0.00014,
    },
    metadata: {
      id: 'gen-1767268800-Ab3dEf6hIj9k',
      generation_id: 'gen-1767268800-Ab3dEf6hIj9k',
      provider: 'Example',
      parameters: { seed: 42, temperature: 0.5, top_p: 0.9, top_k: 40, max_tokens: 200 },
    },
  });
});

test('a request carries the key in its header only, and asks for the cost', async () => {
  await ask();
  const [request] = server.requests;
  expect(request?.headers.authorization).toBe(`Bearer ${openrouterKey}`);
  expect(request?.body).toMatchObject({ usage: { include: true }, top_k: 40, stream: true });
  expect(request?.text).not.toContain(openrouterKey);
});

test('a wrong key is BACKEND_REFUSED with the type of the error, and the key is nowhere', async () => {
  const error = await failureOf(ask({}, 'sk-or-wrong'));
  expect(error).toMatchObject({
    code: 'BACKEND_REFUSED',
    params: { backend: 'openrouter', what: 'HTTP 401 authentication' },
  });
  expect(inspect([error, error.evidence], { depth: 9 })).not.toContain('sk-or-wrong');
});

test('a key that the provider repeats in an error of the stream is in no error', async () => {
  const body = `data: {"error":{"code":"${openrouterKey}","metadata":{"reasons":["${openrouterKey}"]}}}\n\n`;
  const error = await failed({ status: 200, type: 'text/event-stream', body });
  expect(inspect([error, error.evidence], { depth: 9 })).not.toContain(openrouterKey);
});

test('an account without credits is BACKEND_REFUSED, its code a number', async () => {
  expect(await failed(openaiStatus.outOfCredits)).toMatchObject({
    code: 'BACKEND_REFUSED',
    params: { what: 'HTTP 402 payment_required' },
  });
});

test('an error in mid-stream is BACKEND_INTERRUPTED with its type, before content BACKEND_FAILED', async () => {
  const what = 'an error in the stream: provider_unavailable';
  const midway = await failed('error-midway');
  expect(midway).toMatchObject({ code: 'BACKEND_INTERRUPTED', params: { what } });
  expect(midway.evidence.partialText).toBe('Told');
  expect(await failed('error-first')).toMatchObject({ code: 'BACKEND_FAILED', params: { what } });
});

describe('a moderation', () => {
  test('is PROVIDER_MODERATED with its reasons; the flagged words are evidence, not message', async () => {
    const error = await failed(openaiStatus.moderated);
    expect(error).toMatchObject({
      code: 'PROVIDER_MODERATED',
      params: { backend: 'openrouter', reasons: ['violence/graphic', 'self-harm'] },
    });
    expect(error.evidence).toMatchObject({
      status: 403,
      body: expect.stringContaining('a marker of the prompt'),
    });
    expect(inspect(error, { depth: 9 })).not.toContain('a marker of the prompt');
  });

  test('is found by its reasons though the body is too long for the evidence', async () => {
    const { error } = JSON.parse(openaiStatus.moderated.body) as { error: { metadata: object } };
    const raw = { raw: 'x'.repeat(5_000) };
    const body = JSON.stringify({ error: { metadata: { ...raw, ...error.metadata } } });
    expect((await failed({ status: 403, body })).code).toBe('PROVIDER_MODERATED');
  });

  test('may be told by the type of the error, with a status of its own', async () => {
    expect(await failed(openaiStatus.violation)).toMatchObject({
      code: 'PROVIDER_MODERATED',
      params: { reasons: ['content_policy_violation'] },
    });
  });

  test('in mid-stream keeps what was said as evidence', async () => {
    const error = await failed('moderated-midway');
    expect(error).toMatchObject({
      code: 'PROVIDER_MODERATED',
      params: { reasons: ['content_policy_violation'] },
    });
    expect(error.evidence).toMatchObject({ partialText: 'Told', body: expect.stringContaining('flagged') });
  });

  test('is not what a 403 without reasons is', async () => {
    const body = '{"error":{"code":403,"message":"no right","metadata":{"error_type":"permission_denied"}}}';
    expect(await failed({ status: 403, body })).toMatchObject({
      code: 'BACKEND_REFUSED',
      params: { what: 'HTTP 403 permission_denied' },
    });
  });

  test.each([
    [
      ['sexual/minors', ' hate '],
      ['sexual/minors', 'hate'],
    ],
    [
      ['a; DROP\nTABLE', 7, '', null],
      ['a-DROP-TABLE', 'unnamed', 'unnamed', 'unnamed'],
    ],
    [['because the prompt says that all of the tulips must be cut down'], ['unnamed']],
    [Array.from({ length: 40 }, () => 'x'), Array.from({ length: maxReasons }, () => 'x')],
    [[], []],
  ])('with the reasons %j says %j', (reasons: readonly unknown[], said) => {
    const json = { error: { metadata: { reasons } } };
    const error = moderated({ backend: 'openrouter', status: 403, json, evidence: {} });
    expect(error?.params).toEqual({ backend: 'openrouter', reasons: said });
  });
});
