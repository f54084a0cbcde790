import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BackendError } from '../../../src/pipeline/backends/backend-error.ts';
import type { HttpAnswer, HttpCall } from '../../../src/pipeline/backends/http-contract.ts';
import { imageTypeOf } from '../../../src/pipeline/backends/image-type.ts';
import { openaiText } from '../../../src/pipeline/backends/openai/openai.ts';
import { maxEventCharacters, serverEvents } from '../../../src/pipeline/backends/openai/server-events.ts';
import type { TextResponse } from '../../../src/pipeline/backends/text-backend.ts';
import { defaultTimeouts } from '../../../src/pipeline/backends/timeouts.ts';
import { tickingClock } from '../harness.ts';
import { within } from './acting-server.ts';
import { type OpenaiFault, type OpenaiServer, openaiStatus, startOpenai } from './openai-server.ts';
import { failureOf, jpeg, markers, png, textRequest, unaborted } from './text-request.ts';

let server: OpenaiServer;

beforeEach(async () => {
  server = await startOpenai();
});
afterEach(() => server.close());

const backendAt = (url: string, timeouts = defaultTimeouts('local', 'text'), apiKey?: string) =>
  openaiText({ name: 'openai', url, apiKey, clock: tickingClock(), timeouts });

const ask = (
  overrides: Parameters<typeof textRequest>[1] = {},
  timeouts = defaultTimeouts('local', 'text'),
): Promise<TextResponse> =>
  backendAt(server.url, timeouts).run(textRequest('example/large', overrides), unaborted());

const failed = (fault: OpenaiFault, timeouts?: Parameters<typeof ask>[1]): Promise<BackendError> => {
  server.script(fault);
  return failureOf(ask({}, timeouts));
};

const answered = `Told again: ${markers}`;

const realUrl = process.env['OPENAI_URL'];
const realModel = process.env['OPENAI_MODEL'] ?? 'default';

describe.each([
  { where: 'the test server', url: () => server.url, model: 'example/large', isAbsent: false },
  {
    where: `a real server with ${realModel} (OPENAI_URL${realUrl === undefined ? ' is not set: skipped' : ''})`,
    url: () => realUrl ?? '',
    model: realModel,
    isAbsent: realUrl === undefined,
  },
])('on $where', ({ url, model, isAbsent }) => {
  test.skipIf(isAbsent)('a text comes with its model, its finish reason and its usage', async () => {
    const apiKey = process.env['OPENAI_API_KEY'];
    const backend = backendAt(url(), defaultTimeouts('local', 'text'), apiKey);
    const response = await backend.run(textRequest(model), unaborted());
    expect(response).toMatchObject({
      model: expect.any(String),
      backend: 'openai',
      method: 'llm',
      seed: null,
      finishReason: expect.stringMatching(/^(stop|length)$/),
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
      metadata: { parameters: { seed: 42, temperature: 0.5, top_p: 0.9, max_tokens: 200 } },
    });
    expect(response.text).not.toBe('');
    expect(response.executionSeconds).toBeGreaterThan(0);
  });
});

describe('a request', () => {
  test('asks for a stream and its usage, with exactly the parameters every server has words for', async () => {
    await ask();
    expect(server.requests[0]?.body).toEqual({
      model: 'example/large',
      messages: [{ role: 'user', content: textRequest(null).prompt }],
      seed: 42,
      temperature: 0.5,
      top_p: 0.9,
      max_tokens: 200,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  test('sends pictures as data URLs of their own type', async () => {
    await ask({ images: [png, jpeg] });
    const url = (type: string, bytes: Uint8Array) =>
      `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
    expect(server.requests[0]?.body).toMatchObject({
      messages: [
        {
          content: [
            { type: 'text', text: textRequest(null).prompt },
            { type: 'image_url', image_url: { url: url('image/png', png) } },
            { type: 'image_url', image_url: { url: url('image/jpeg', jpeg) } },
          ],
        },
      ],
    });
  });

  test('with a picture of another kind is BACKEND_REFUSED and is not sent', async () => {
    const error = await failureOf(ask({ images: [png, Buffer.from('BM no bitmap')] }));
    expect(error).toMatchObject({
      code: 'BACKEND_REFUSED',
      params: { what: 'picture 2 is neither PNG, JPEG, WebP nor GIF' },
    });
    expect(server.requests).toHaveLength(0);
  });

  test('without a model is BACKEND_REFUSED and is not sent', async () => {
    const error = await failureOf(ask({ model: null }));
    expect(error).toMatchObject({ code: 'BACKEND_REFUSED', params: { what: 'no model is named' } });
    expect(server.requests).toHaveLength(0);
  });

  test('with a wrong key is BACKEND_REFUSED, and the key is nowhere', async () => {
    const locked = await startOpenai({ apiKey: 'right' });
    const backend = backendAt(locked.url, undefined, 'sk-wrong');
    const error = await failureOf(backend.run(textRequest('example/large'), unaborted()));
    expect(error).toMatchObject({ code: 'BACKEND_REFUSED', params: { what: 'HTTP 401 invalid_api_key' } });
    expect(inspect([error, error.evidence], { depth: 9 })).not.toContain('sk-wrong');
    await expect(
      backendAt(locked.url, undefined, 'right').run(textRequest('example/large'), unaborted()),
    ).resolves.toMatchObject({ text: answered });
    await locked.close();
  });

  test('for a model that is not there is BACKEND_REFUSED', async () => {
    const error = await failureOf(ask({ model: 'none' }));
    expect(error).toMatchObject({ code: 'BACKEND_REFUSED', params: { what: 'HTTP 404 model_not_found' } });
  });

  test('goes to a server in the house, or names the host it left the house for', async () => {
    expect((await ask()).remoteHost).toBeUndefined();
    // By its form an address of no house, and yet it reaches this machine.
    const url = server.url.replace('127.0.0.1', '0.0.0.0');
    const response = await backendAt(url).run(textRequest('example/large'), unaborted());
    expect(response.remoteHost).toBe(new URL(url).host);
  });
});

describe('an answer', () => {
  test.each([
    'none',
    'crlf',
    'byte-order-mark',
    'comments',
    'multi-line-data',
    'cut-characters',
    'joined-events',
    'no-usage',
    'no-done',
  ] as const)('is whole however it is written: %s', async (fault) => {
    server.script(fault);
    await expect(ask()).resolves.toMatchObject({
      text: answered,
      model: 'example/large',
      finishReason: 'stop',
      usage: fault === 'no-usage' ? undefined : { input_tokens: 11 },
      metadata: { id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT', system_fingerprint: 'fp_44709d6fcb' },
    });
  });

  test('tells cached and reasoning tokens apart', async () => {
    expect((await ask()).usage).toEqual({
      input_tokens: 11,
      cached_input_tokens: 2,
      output_tokens: 11,
      reasoning_tokens: 4,
    });
  });

  test.each(['reasoning-only', 'reasoning-content-only'] as const)(
    'that is only thinking, %s, has an empty text, and its thinking apart',
    async (fault) => {
      server.script(fault);
      await expect(ask()).resolves.toMatchObject({ text: '', metadata: { thinking: answered } });
    },
  );

  test('is the first choice, and keeps a refusal apart', async () => {
    const chunks = [
      { model: 'm', choices: [{ index: 1, delta: { content: 'other' } }] },
      { model: 'm', choices: [{ index: 0, delta: { content: 'own', refusal: 'I ' } }] },
      { model: 'm', choices: [{ index: 0, delta: { refusal: 'will not' }, finish_reason: 'stop' }] },
    ];
    server.script(stream(...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'));
    const { text, usage, metadata } = await ask();
    expect({ text, usage }).toEqual({ text: 'own', usage: undefined });
    expect(metadata).toMatchObject({ refusal: 'I will not', id: null, system_fingerprint: null });
  });

  test('with counters that are none has none', async () => {
    const usage = { prompt_tokens: -1, completion_tokens: null, prompt_tokens_details: 'none', cost: 'free' };
    server.script(stream(JSON.stringify({ model: 'm', choices: [], usage }), '[DONE]'));
    await expect(ask()).resolves.toMatchObject({ text: '', finishReason: null, usage: {} });
  });
});

/** An answer of these events. */
const stream = (...events: readonly string[]): OpenaiFault => ({
  status: 200,
  type: 'text/event-stream; charset=utf-8',
  body: events.map((data) => `data: ${data}\n\n`).join(''),
});

describe('a failure', () => {
  test('told by 503 while a model is loaded is BACKEND_BUSY', async () => {
    const error = await failed(openaiStatus.loading);
    expect(error).toMatchObject({ code: 'BACKEND_BUSY', params: { backend: 'openai', status: 503 } });
    expect(error.evidence.body).toContain('Loading model');
  });

  test('told by 429 is BACKEND_BUSY, with the time to wait', async () => {
    const error = await failed(openaiStatus.limited);
    expect(error).toMatchObject({ code: 'BACKEND_BUSY', params: { status: 429 } });
    expect(error.evidence.retryAfterSeconds).toBe(7);
  });

  test('told by a page of a proxy is BACKEND_BUSY, and by an error that is a string BACKEND_REFUSED', async () => {
    expect(await failed(openaiStatus.badGateway)).toMatchObject({
      code: 'BACKEND_BUSY',
      params: { status: 502 },
    });
    const error = await failed(openaiStatus.plainError);
    expect(error).toMatchObject({ code: 'BACKEND_REFUSED', params: { what: 'HTTP 400' } });
    expect(error.evidence.body).toContain('the prompt is too long');
  });

  test('told by an event before any content is BACKEND_FAILED', async () => {
    const error = await failed('error-first');
    expect(error).toMatchObject({
      code: 'BACKEND_FAILED',
      params: { what: 'an error in the stream: server_error' },
    });
    expect(error.evidence.body).toContain('The server had an error');
  });

  test('told by an event after content is BACKEND_INTERRUPTED, with what was said', async () => {
    const error = await failed('error-midway');
    expect(error).toMatchObject({
      code: 'BACKEND_INTERRUPTED',
      params: { what: 'an error in the stream: server_error' },
    });
    expect(error.evidence.partialText).toBe('Told');
  });

  test.each([
    ['cut-off', 'the connection broke'],
    ['ends-early', 'the stream ended before it was done'],
  ] as const)('after content, %s, is BACKEND_INTERRUPTED', async (fault, what) => {
    const error = await failed(fault);
    expect(error).toMatchObject({ code: 'BACKEND_INTERRUPTED', params: { what } });
    expect(error.evidence).toEqual({ partialText: 'Told' });
  });

  test('told in another form is BACKEND_FAILED, never an empty text', async () => {
    const error = await failed('other-form');
    expect(error).toMatchObject({ code: 'BACKEND_FAILED', params: { what: 'an event of another form' } });
    expect(error.evidence.body).toContain('out of memory');
  });

  test.each([
    [openaiStatus.html, 'an answer that is no event stream'],
    [{ status: 200, body: '{"choices":[]}' }, 'an answer that is no event stream'],
    [openaiStatus.jsonError, 'an error in the stream: provider_unavailable'],
    [stream('tulips'), 'an event that is no JSON'],
    [stream('[DONE]'), 'it names no model'],
    [stream('{"model":"m","choices":[{"delta":{},"finish_reason":"error"}]}'), 'an error in the stream'],
    [stream(), 'the stream ended before it was done'],
  ])('under HTTP 200, %j, is BACKEND_FAILED', async (fault, what) => {
    expect(await failed(fault)).toMatchObject({ code: 'BACKEND_FAILED', params: { what } });
  });

  test('to begin or to go on in time is TIMEOUT or BACKEND_INTERRUPTED', async () => {
    const silent = await failed('held', within({ firstByteMs: 200 }).timeouts);
    expect(silent).toMatchObject({ code: 'TIMEOUT', params: { timeoutMs: 200 } });
    const stalled = await failed('stalled', within({ idleMs: 200 }).timeouts);
    expect(stalled.code).toBe('BACKEND_INTERRUPTED');
    expect(stalled.evidence).toEqual({ partialText: 'Told' });
    for (const { ended } of server.requests) await expect(ended).resolves.toBe('left');
  });
});

describe('an abort', () => {
  test.each(['held', 'stalled'] as const)('of a call that is %s closes its socket', async (fault) => {
    const [abort, reason] = [new AbortController(), new Error('cancelled')];
    server.script(fault);
    const work = backendAt(server.url).run(textRequest('example/large'), abort.signal);
    const request = await server.held();
    abort.abort(reason);
    await expect(work).rejects.toBe(reason);
    await expect(request.ended).resolves.toBe('left');
  });
});

describe('server-sent events', () => {
  const call: HttpCall = {
    backend: 'openai',
    url: 'http://127.0.0.1/',
    timeouts: defaultTimeouts('local', 'text'),
    maxAnswerBytes: 1e9,
  };
  const read = async (pieces: readonly Uint8Array[]): Promise<string[]> => {
    const bytes = (async function* () {
      yield* pieces;
    })();
    const answer: HttpAnswer = { status: 200, header: () => undefined, bytes };
    const found: string[] = [];
    for await (const data of serverEvents(call, answer)) found.push(data);
    return found;
  };

  test.each(['\n', '\r\n'])('are the same wherever the bytes are cut, lines ending with %j', async (end) => {
    const lines = [
      '\uFEFF: hello',
      'data: 東京 🌷',
      '',
      'event: x',
      'data:one',
      'data: two',
      '',
      ': bye',
      '',
      'data: [DONE]',
      '',
      '',
    ];
    const bytes = Buffer.from(lines.join(end));
    const found = ['東京 🌷', 'one\ntwo', '[DONE]'];
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(await read([bytes.subarray(0, at), bytes.subarray(at)]), `cut at ${at}`).toEqual(found);
    }
    expect(await read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(found);
  });

  test('that are too long break the answer', async () => {
    const error = await failureOf(read([Buffer.from(`data: ${'x'.repeat(maxEventCharacters)}`)]));
    expect(error.params).toMatchObject({ what: `an event of more than ${maxEventCharacters} characters` });
  });
});

describe('the type of a picture', () => {
  test.each([
    [png, 'image/png'],
    [jpeg, 'image/jpeg'],
    [Buffer.from('RIFF\x1a\n\0\0WEBPVP8 '), 'image/webp'],
    [Buffer.from('GIF89a…'), 'image/gif'],
    [Buffer.from('RIFF\0\0\0\0WAVEfmt '), undefined],
    [Buffer.from('<svg/>'), undefined],
    [new Uint8Array(), undefined],
  ])('%j is %s', (bytes, type) => {
    expect(imageTypeOf(bytes)).toBe(type);
  });
});
