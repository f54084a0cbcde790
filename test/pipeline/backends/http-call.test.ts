import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { maxPartialTextCharacters } from '../../../src/pipeline/backends/broken-answer.ts';
import {
  exchange,
  getBytes,
  getJson,
  postJson,
  readBytes,
  readJson,
  tokenHeader,
} from '../../../src/pipeline/backends/http-call.ts';
import type { HttpCall } from '../../../src/pipeline/backends/http-contract.ts';
import { defaultTimeouts } from '../../../src/pipeline/backends/timeouts.ts';
import { type Act, afterOnePiece, callTo, endless, secretKey, startActing, within } from './acting-server.ts';
import type { ScriptedServer } from './scripted-server.ts';
import { failureOf, unaborted } from './text-request.ts';

let server: ScriptedServer<Act>;

beforeEach(async () => {
  server = await startActing();
});
afterEach(() => server.close());

const callOf = (overrides: Partial<HttpCall> = {}): HttpCall => callTo(server, overrides);

/** Reads an answer as an adapter does that understands every byte. */
const streaming = (overrides: Partial<HttpCall> = {}): Promise<string> => {
  let text = '';
  const call = callOf({ ...overrides, partialText: () => text });
  return exchange(call, { method: 'GET' }, unaborted(), async ({ bytes }) => {
    for await (const piece of bytes) text += new TextDecoder().decode(piece);
    return text;
  });
};

describe('a call that goes well', () => {
  test('posts JSON with the key and reads JSON', async () => {
    const call = callOf({ headers: { 'x-title': 'runledger' } });
    await expect(
      postJson(call, { a: 'ä' }, unaborted(), (answer) => readJson(call, answer)),
    ).resolves.toEqual({ made: true });
    const [request] = server.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/work?kind=a', body: { a: 'ä' } });
    expect(request?.headers).toMatchObject({
      authorization: `Bearer ${secretKey}`,
      'content-type': 'application/json',
      'x-title': 'runledger',
    });
  });

  test('gets bytes as they are', async () => {
    server.script(async ({ response }) => {
      response.end(Buffer.from([0, 255, 128, 10]));
    });
    await expect(getBytes(callOf(), unaborted())).resolves.toEqual(Buffer.from([0, 255, 128, 10]));
  });

  test('gives status and headers, and keeps only such headers as are tokens', async () => {
    server.script({ status: 201, body: '', headers: { 'x-id': 'gen-1/a', 'x-words': 'two words' } });
    const read = await exchange(callOf(), { method: 'POST' }, unaborted(), async (answer) => ({
      status: answer.status,
      words: answer.header('x-words'),
      kept: ['x-id', 'x-words', 'x-none'].map((name) => tokenHeader(answer, name)),
    }));
    expect(read).toEqual({ status: 201, words: 'two words', kept: ['gen-1/a', undefined, undefined] });
  });

  test('lets an error of its reader through', async () => {
    const own = new RangeError('mine');
    await expect(exchange(callOf(), { method: 'GET' }, unaborted(), () => Promise.reject(own))).rejects.toBe(
      own,
    );
  });

  test('closes the socket when its reader returns, though the answer goes on', async () => {
    server.script(afterOnePiece(({ hold }) => hold()));
    await exchange(callOf(), { method: 'GET' }, unaborted(), async ({ bytes }) => {
      for await (const _ of bytes) return;
    });
    await expect(server.requests[0]?.ended).resolves.toBe('left');
  });

  test('closes the socket of an answer that nobody reads', async () => {
    server.script(afterOnePiece(({ hold }) => hold()));
    await exchange(callOf(), { method: 'GET' }, unaborted(), async () => undefined);
    await expect(server.requests[0]?.ended).resolves.toBe('left');
  });
});

describe('a connection that does not come to stand', () => {
  test('is BACKEND_UNREACHABLE where nobody listens', async () => {
    const call = callOf();
    await server.close();
    const error = await failureOf(getJson(call, unaborted()));
    expect(error).toMatchObject({
      code: 'BACKEND_UNREACHABLE',
      params: { backend: 'example', what: 'ECONNREFUSED' },
    });
    server = await startActing();
  });

  test('is BACKEND_UNREACHABLE where it takes too long', async () => {
    // Takes the connection and never agrees on encryption.
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    const error = await failureOf(getJson(callOf({ url, ...within({ connectMs: 50 }) }), unaborted()));
    expect(error).toMatchObject({
      code: 'BACKEND_UNREACHABLE',
      params: { what: 'no connection within 50 ms' },
    });
    silent.close();
  });
});

describe('time', () => {
  test('runs out before the first byte: TIMEOUT', async () => {
    server.script(({ hold }) => hold());
    const error = await failureOf(streaming(within({ firstByteMs: 50 })));
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      params: { what: 'Waiting for the first byte of example', timeoutMs: 50 },
    });
    await expect(server.requests[0]?.ended).resolves.toBe('left');
  });

  test('runs out after the head, which is no byte of the answer: TIMEOUT', async () => {
    server.script(async ({ response, hold }) => {
      response.writeHead(200).flushHeaders();
      await hold();
    });
    const error = await failureOf(streaming(within({ firstByteMs: 50, idleMs: 1 })));
    expect(error).toMatchObject({ code: 'TIMEOUT', params: { timeoutMs: 50 } });
  });

  test('runs out between two pieces, none of them content: TIMEOUT', async () => {
    server.script(afterOnePiece(({ hold }) => hold()));
    const error = await failureOf(getBytes(callOf(within({ idleMs: 50 })), unaborted()));
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      params: { what: 'Waiting for more of the answer of example', timeoutMs: 50 },
    });
    expect(error.evidence).toEqual({});
  });

  test('runs out between two pieces of content: BACKEND_INTERRUPTED, with what was said', async () => {
    server.script(afterOnePiece(({ hold }) => hold()));
    const error = await failureOf(streaming(within({ idleMs: 50 })));
    expect(error).toMatchObject({
      code: 'BACKEND_INTERRUPTED',
      params: { what: 'nothing more within 50 ms' },
    });
    expect(error.evidence).toEqual({ partialText: 'a piece' });
    await expect(server.requests[0]?.ended).resolves.toBe('left');
  });

  test('runs out in total though pieces keep coming: TIMEOUT, with what was said', async () => {
    server.script(afterOnePiece(endless));
    const error = await failureOf(streaming({ ...within({ totalMs: 50 }), maxAnswerBytes: 1e12 }));
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      params: { what: 'The whole answer of example', timeoutMs: 50 },
    });
    expect(error.evidence.partialText).toMatch(/^a piece/);
    expect(error.evidence.partialText?.length).toBeLessThanOrEqual(maxPartialTextCharacters);
    await expect(server.requests[0]?.ended).resolves.toBe('left');
  });

  test('in total counts from the first byte, however long a model was loaded before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      server.script(async (turn) => {
        await turn.hold();
        await turn.write(['loaded at last']);
        turn.response.end();
      });
      const text = streaming(within({ firstByteMs: 300_000, totalMs: 180_000 }));
      await server.held();
      vi.advanceTimersByTime(299_000);
      server.release();
      await expect(text).resolves.toBe('loaded at last');
    } finally {
      vi.useRealTimers();
    }
  });

  test('has the defaults that the specification names', () => {
    expect(defaultTimeouts('local', 'text')).toEqual({
      connectMs: 5_000,
      firstByteMs: 300_000,
      idleMs: 60_000,
      totalMs: 180_000,
    });
    expect(defaultTimeouts('remote', 'image')).toMatchObject({ firstByteMs: 60_000, totalMs: 600_000 });
    expect(defaultTimeouts('local', 'video').totalMs).toBe(1_800_000);
  });
});

describe('an answer that breaks', () => {
  test('before its head is BACKEND_FAILED', async () => {
    server.script(async ({ cut }) => cut());
    const error = await failureOf(streaming());
    expect(error).toMatchObject({
      code: 'BACKEND_FAILED',
      params: { what: 'the connection broke' },
    });
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('before content is BACKEND_FAILED', async () => {
    server.script(afterOnePiece(({ cut }) => cut()));
    const error = await failureOf(getBytes(callOf(), unaborted()));
    expect(error).toMatchObject({ code: 'BACKEND_FAILED' });
    expect(error.evidence).toEqual({});
  });

  test('after content is BACKEND_INTERRUPTED, with what was said', async () => {
    server.script(afterOnePiece(({ cut }) => cut()));
    const error = await failureOf(streaming());
    expect(error.code).toBe('BACKEND_INTERRUPTED');
    expect(error.evidence).toEqual({ partialText: 'a piece' });
  });

  test('is BACKEND_FAILED where it is no HTTP, and its bytes stay out of what loggers print', async () => {
    const rude = createServer((socket) => socket.once('data', () => socket.end('tulips and more\r\n\r\n')));
    rude.listen(0, '127.0.0.1');
    await once(rude, 'listening');
    const url = `http://127.0.0.1:${(rude.address() as AddressInfo).port}/`;
    const error = await failureOf(getJson(callOf({ url }), unaborted()));
    expect(error.code).toBe('BACKEND_FAILED');
    expect(inspect(error, { depth: 9 })).not.toContain('tulips');
    rude.close();
  });

  test('is BACKEND_FAILED where it is too long, and is read no further', async () => {
    server.script(afterOnePiece(endless));
    const error = await failureOf(getBytes(callOf({ maxAnswerBytes: 50_000 }), unaborted()));
    expect(error).toMatchObject({
      code: 'BACKEND_FAILED',
      params: { what: 'an answer of more than 50000 bytes' },
    });
    await expect(server.requests[0]?.ended).resolves.toBe('left');
  });

  test('is BACKEND_FAILED where it should be JSON and is not, with its beginning as evidence', async () => {
    server.script({ status: 200, body: `tulips ${secretKey}` });
    const error = await failureOf(getJson(callOf(), unaborted()));
    expect(error).toMatchObject({ code: 'BACKEND_FAILED', params: { what: 'an answer that is no JSON' } });
    expect(error.evidence).toEqual({ status: 200, body: 'tulips [key]' });
  });
});

describe('an abort', () => {
  const reason = new Error('the run was cancelled');

  test('before the call sends nothing', async () => {
    await expect(getJson(callOf(), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(server.requests).toHaveLength(0);
  });

  test('while the backend is silent rejects with its reason and closes the socket', async () => {
    const abort = new AbortController();
    server.script(({ hold }) => hold());
    const work = getJson(callOf(), abort.signal);
    const request = await server.held();
    abort.abort(reason);
    await expect(work).rejects.toBe(reason);
    await expect(request.ended).resolves.toBe('left');
  });

  test('in the middle of an answer, or of an error, does the same', async () => {
    for (const status of [200, 500]) {
      const abort = new AbortController();
      server.script(async (turn) => {
        turn.response.writeHead(status);
        await turn.write(['half']);
        await turn.hold();
      });
      const work = exchange(callOf(), { method: 'GET' }, abort.signal, readBytes);
      const request = await server.held();
      // By the time another call has come and gone, the first half is here too.
      await getJson(callOf(), unaborted());
      abort.abort(reason);
      await expect(work).rejects.toBe(reason);
      await expect(request.ended).resolves.toBe('left');
    }
  });

  test('after a call leaves no listener behind', async () => {
    const { signal } = new AbortController();
    const [add, remove] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];
    await getJson(callOf(), signal);
    expect(add).toHaveBeenCalledTimes(1);
    expect(remove).toHaveBeenCalledTimes(1);
  });
});
