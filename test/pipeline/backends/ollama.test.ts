import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BackendError } from '../../../src/pipeline/backends/backend-error.ts';
import type { HttpAnswer, HttpCall } from '../../../src/pipeline/backends/http-contract.ts';
import { jsonLines, maxLineCharacters } from '../../../src/pipeline/backends/ollama/json-lines.ts';
import { ollamaText } from '../../../src/pipeline/backends/ollama/ollama.ts';
import type { TextResponse } from '../../../src/pipeline/backends/text-backend.ts';
import { defaultTimeouts } from '../../../src/pipeline/backends/timeouts.ts';
import { maxTextCharacters } from '../../../src/pipeline/backends/collected-text.ts';
import { tickingClock } from '../harness.ts';
import { within } from './acting-server.ts';
import {
  type OllamaFault,
  type OllamaServer,
  ollamaStatus,
  someGuard,
  someModel,
  startOllama,
} from './ollama-server.ts';
import { failureOf, jpeg, markers, png, textRequest, unaborted } from './text-request.ts';

let server: OllamaServer;

beforeEach(async () => {
  server = await startOllama();
});
afterEach(() => server.close());

const backendAt = (url: string, timeouts = defaultTimeouts('local', 'text')) =>
  ollamaText({ url, clock: tickingClock(), timeouts });

const ask = (
  overrides: Parameters<typeof textRequest>[1] = {},
  timeouts = defaultTimeouts('local', 'text'),
): Promise<TextResponse> =>
  backendAt(server.url, timeouts).run(textRequest('llama3.2', overrides), unaborted());

const failed = (fault: OllamaFault, timeouts?: Parameters<typeof ask>[1]): Promise<BackendError> => {
  server.script(fault);
  return failureOf(ask({}, timeouts));
};

const chats = () => server.requests.filter(({ path }) => path === '/api/chat');
const answered = `Told again: ${markers}`;

const realUrl = process.env['OLLAMA_URL'];
const realModel = process.env['OLLAMA_MODEL'] ?? 'llama3.2';

describe.each([
  { where: 'the test server', url: () => server.url, model: 'llama3.2', isAbsent: false },
  {
    where: `a real Ollama with ${realModel} (OLLAMA_URL${realUrl === undefined ? ' is not set: skipped' : ''})`,
    url: () => realUrl ?? '',
    model: realModel,
    isAbsent: realUrl === undefined,
  },
])('on $where', ({ url, model, isAbsent }) => {
  test.skipIf(isAbsent)('a text comes with its model, digest, usage and raw durations', async () => {
    const response = await backendAt(url()).run(textRequest(model), unaborted());
    expect(response).toMatchObject({
      model,
      backend: 'ollama',
      method: 'llm',
      seed: 42,
      modelDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      finishReason: expect.stringMatching(/^(stop|length)$/),
      usage: {
        input_tokens: expect.any(Number),
        output_tokens: expect.any(Number),
        seconds: expect.any(Number),
      },
      metadata: {
        options: { seed: 42, temperature: 0.5, top_p: 0.9, top_k: 40, num_predict: 200 },
        total_duration: expect.any(Number),
        load_duration: expect.any(Number),
        prompt_eval_duration: expect.any(Number),
        eval_duration: expect.any(Number),
      },
    });
    expect(response.text).not.toBe('');
    expect(response.executionSeconds).toBeGreaterThan(0);
    expect(response.metadata).not.toHaveProperty('model_digest_unknown');
  });

  test.skipIf(isAbsent)('a model that is not there is BACKEND_REFUSED', async () => {
    const error = await failureOf(backendAt(url()).run(textRequest('no-such-model'), unaborted()));
    expect(error).toMatchObject({ code: 'BACKEND_REFUSED', params: { backend: 'ollama', what: 'HTTP 404' } });
    expect(error.evidence.body).toContain('no-such-model');
  });
});

describe('a request', () => {
  test('asks for a stream with exactly the prompt, the pictures and the parameters it has words for', async () => {
    await ask({ images: [png, jpeg] });
    expect(chats()[0]?.body).toEqual({
      model: 'llama3.2',
      messages: [
        {
          role: 'user',
          content: textRequest(null).prompt,
          images: [png, jpeg].map((bytes) => Buffer.from(bytes).toString('base64')),
        },
      ],
      options: { seed: 42, temperature: 0.5, top_p: 0.9, top_k: 40, num_predict: 200 },
      stream: true,
      truncate: false,
    });
  });

  test('leaves out what it was not given, and what is no number', async () => {
    const response = await ask({ seed: null, parameters: { temperature: 'hot', top_p: Number.NaN } });
    expect(chats()[0]?.body).toMatchObject({ options: {} });
    expect(chats()[0]?.body).not.toHaveProperty('messages.0.images');
    expect(response).toMatchObject({ seed: null, metadata: { options: {} } });
  });

  test('without a model is BACKEND_REFUSED and is not sent', async () => {
    const error = await failureOf(ask({ model: null }));
    expect(error).toMatchObject({ code: 'BACKEND_REFUSED', params: { what: 'no model is named' } });
    expect(server.requests).toHaveLength(0);
  });

  test('to a server that is not there is BACKEND_UNREACHABLE', async () => {
    await server.close();
    expect((await failureOf(ask())).code).toBe('BACKEND_UNREACHABLE');
    server = await startOllama();
  });

  test('to a guard is answered by a guard', async () => {
    await expect(ask({ model: someGuard.name })).resolves.toMatchObject({
      text: 'safe',
      model: someGuard.name,
    });
  });
});

describe('an answer', () => {
  test.each(['cut-characters', 'joined-lines', 'no-last-newline', 'none'] as const)(
    'is whole however it is cut: %s',
    async (fault) => {
      server.script(fault);
      await expect(ask()).resolves.toMatchObject({ text: answered, finishReason: 'stop' });
    },
  );

  test('tells the counters it has: input, output and seconds of its own work', async () => {
    const { usage, metadata } = await ask();
    expect(usage).toEqual({ input_tokens: 12, output_tokens: 8, seconds: 4.878145 });
    expect(metadata).toMatchObject({
      total_duration: 4_883_583_458,
      load_duration: 1_334_875,
      done_reason: 'stop',
    });
  });

  test('without counters has none: absent in the usage, null in the metadata, never 0', async () => {
    server.script('no-counters');
    const { usage, metadata } = await ask();
    expect(usage).toEqual({});
    expect(metadata).toMatchObject({
      total_duration: null,
      load_duration: null,
      prompt_eval_duration: null,
      eval_duration: null,
    });
  });

  test('that is only thinking has an empty text, and its thinking apart', async () => {
    server.script('thinking-only');
    await expect(ask()).resolves.toMatchObject({ text: '', metadata: { thinking: answered } });
  });

  test('of another host names that host and that model, and has no digest of this one', async () => {
    server.script('remote-host');
    const response = await ask();
    expect(response).toMatchObject({
      remoteHost: 'https://ollama.example:443',
      metadata: { remote_model: 'llama3.2-cloud', model_digest_unknown: 'remote_model' },
    });
    expect(response.modelDigest).toBeUndefined();
  });

  test('of a server in the house has no remote host', async () => {
    expect((await ask()).remoteHost).toBeUndefined();
  });

  test('that is too long for an item is BACKEND_FAILED', async () => {
    const long = await startOllama({ answer: () => ({ text: 'tulip '.repeat(maxTextCharacters / 6 + 1) }) });
    const error = await failureOf(backendAt(long.url).run(textRequest('llama3.2'), unaborted()));
    expect(error).toMatchObject({
      code: 'BACKEND_FAILED',
      params: { what: `a text of more than ${maxTextCharacters} characters` },
    });
    await long.close();
  });

  test('keeps long thinking up to a limit, and says how long it was', async () => {
    const thinking = 'hm '.repeat(maxTextCharacters / 2);
    const deep = await startOllama({ answer: () => ({ text: 'tulips', thinking }) });
    const { text, metadata } = await backendAt(deep.url).run(textRequest('llama3.2'), unaborted());
    expect(text).toBe('tulips');
    expect(metadata).toMatchObject({
      thinking: thinking.slice(0, maxTextCharacters),
      thinking_characters: thinking.length,
    });
    await deep.close();
  });
});

describe('the digest', () => {
  test('is that of the name with its tag, whatever its case', async () => {
    server.models = [{ name: 'llama3.2:1b', digest: 'ff'.repeat(32) }, someModel];
    for (const model of ['llama3.2', 'llama3.2:latest', 'Llama3.2']) {
      expect((await ask({ model })).modelDigest).toBe(someModel.digest);
    }
    expect((await ask({ model: 'llama3.2:1b' })).modelDigest).toBe('ff'.repeat(32));
  });

  test('is asked for anew with every call', async () => {
    await ask();
    server.models = [{ name: 'llama3.2:latest', digest: '00'.repeat(32) }];
    expect((await ask()).modelDigest).toBe('00'.repeat(32));
  });

  test('is unknown where the name came to mean another model while it answered', async () => {
    server.script('held');
    const work = ask();
    await server.held();
    server.models = [{ name: 'llama3.2:latest', digest: '00'.repeat(32) }];
    server.release();
    const response = await work;
    expect(response.modelDigest).toBeUndefined();
    expect(response.metadata).toMatchObject({ model_digest_unknown: 'changed_meanwhile' });
  });

  test.each([
    ['backend_failed', { status: 500, body: '{"error":"model list cache unavailable"}' }],
    ['backend_busy', ollamaStatus.badGateway],
    ['backend_failed', { status: 200, body: '<html>' }],
    ['list_not_understood', { status: 200, body: '{"models":"many"}' }],
    ['not_listed', { status: 200, body: '{"models":[]}' }],
    ['no_digest', { status: 200, body: '{"models":[{"name":"llama3.2:latest","digest":"sha"}]}' }],
  ])('is unknown and says %s where the list cannot tell, and the text stays', async (reason, answer) => {
    server.tagsAnswers.push(answer, answer);
    const response = await ask();
    expect(response).toMatchObject({ text: answered, metadata: { model_digest_unknown: reason } });
    expect(response.modelDigest).toBeUndefined();
  });
});

describe('a failure', () => {
  test.each([
    ['busy', 'BACKEND_BUSY', 'HTTP 503'],
    ['badGateway', 'BACKEND_BUSY', 'HTTP 502'],
    ['failed', 'BACKEND_FAILED', 'HTTP 500'],
  ] as const)('told by a status, %s, is %s', async (name, code, told) => {
    const error = await failed(ollamaStatus[name]);
    expect(error.code).toBe(code);
    expect(error.message).toContain(told);
    expect(error.evidence).toMatchObject({
      status: ollamaStatus[name].status,
      body: ollamaStatus[name].body,
    });
  });

  test('told by a line before any content is BACKEND_FAILED, with the line as evidence', async () => {
    const error = await failed('error-first');
    expect(error).toMatchObject({ code: 'BACKEND_FAILED', params: { what: 'an error in the stream' } });
    expect(error.evidence).toEqual({ body: '{"error":"an error was encountered while running the model"}' });
  });

  test('told by a line after content is BACKEND_INTERRUPTED, with what was said', async () => {
    const error = await failed('error-midway');
    expect(error).toMatchObject({ code: 'BACKEND_INTERRUPTED', params: { what: 'an error in the stream' } });
    expect(error.evidence).toMatchObject({
      partialText: 'Told',
      body: expect.stringContaining('an error was'),
    });
  });

  test.each([
    ['cut-off', 'the connection broke'],
    ['ends-early', 'the stream ended before it was done'],
  ] as const)('after content, %s, is BACKEND_INTERRUPTED', async (fault, what) => {
    const error = await failed(fault);
    expect(error).toMatchObject({ code: 'BACKEND_INTERRUPTED', params: { what } });
    expect(error.evidence).toEqual({ partialText: 'Told' });
  });

  test('that is a page of a proxy under HTTP 200 is BACKEND_FAILED', async () => {
    const error = await failed('html');
    expect(error).toMatchObject({ code: 'BACKEND_FAILED', params: { what: 'a line that is no JSON' } });
    expect(error.evidence.body).toContain('Sign in');
  });

  test.each([
    ['{"model":"m","message":{"content":7},"done":false}', 'a line of another form'],
    ['{"message":{"content":""},"done":true}', 'it names no model'],
    ['', 'the stream ended before it was done'],
  ])('of form, %s, is BACKEND_FAILED', async (body, what) => {
    const error = await failed({ status: 200, body, type: 'application/x-ndjson' });
    expect(error).toMatchObject({ code: 'BACKEND_FAILED', params: { what } });
  });

  test('to begin or to go on in time is TIMEOUT or BACKEND_INTERRUPTED', async () => {
    for (const fault of ['held', 'head-only'] as const) {
      const error = await failed(fault, within({ firstByteMs: 200 }).timeouts);
      expect(error).toMatchObject({ code: 'TIMEOUT', params: { timeoutMs: 200 } });
    }
    const error = await failed('stalled', within({ idleMs: 200 }).timeouts);
    expect(error.code).toBe('BACKEND_INTERRUPTED');
    expect(error.evidence).toEqual({ partialText: 'Told' });
    for (const { ended } of chats()) await expect(ended).resolves.toBe('left');
  });
});

describe('an abort', () => {
  test.each(['held', 'stalled'] as const)('of a call that is %s closes its socket', async (fault) => {
    const [abort, reason] = [new AbortController(), new Error('cancelled')];
    server.script(fault);
    const work = backendAt(server.url).run(textRequest('llama3.2'), abort.signal);
    const request = await server.held();
    abort.abort(reason);
    await expect(work).rejects.toBe(reason);
    await expect(request.ended).resolves.toBe('left');
  });

  test('in the look-up of the digest is an abort, not an unknown digest', async () => {
    // An error of the table, as a service that stops gives for a reason.
    const reason = new BackendError('TIMEOUT', { what: 'The run', timeoutMs: 1 });
    const abort = new AbortController();
    server.tagsAnswers.push('none', 'held');
    const work = backendAt(server.url).run(textRequest('llama3.2'), abort.signal);
    const request = await server.held();
    expect(request.path).toBe('/api/tags');
    abort.abort(reason);
    await expect(work).rejects.toBe(reason);
    await expect(request.ended).resolves.toBe('left');
  });
});

describe('lines of JSON', () => {
  const call: HttpCall = {
    backend: 'ollama',
    url: 'http://127.0.0.1/',
    timeouts: defaultTimeouts('local', 'text'),
    maxAnswerBytes: 1e9,
  };
  const read = async (pieces: readonly Uint8Array[]): Promise<unknown[]> => {
    const bytes = (async function* () {
      yield* pieces;
    })();
    const answer: HttpAnswer = { status: 200, header: () => undefined, bytes };
    const values: unknown[] = [];
    for await (const { value } of jsonLines(call, answer)) values.push(value);
    return values;
  };

  test('are the same wherever the bytes are cut', async () => {
    const bytes = Buffer.from('{"a":"東京 🌷"}\r\n\n{"b":[1]}\n{"c":"ü"}');
    const values = [{ a: '東京 🌷' }, { b: [1] }, { c: 'ü' }];
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(await read([bytes.subarray(0, at), bytes.subarray(at)]), `cut at ${at}`).toEqual(values);
    }
    expect(await read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(values);
  });

  test('that are too long, or no JSON, break the answer', async () => {
    const long = Buffer.from(`"${'x'.repeat(maxLineCharacters)}`);
    expect((await failureOf(read([long]))).params).toMatchObject({
      what: `a line of more than ${maxLineCharacters} characters`,
    });
    expect((await failureOf(read([Buffer.from('{"a":1')]))).code).toBe('BACKEND_FAILED');
  });
});
