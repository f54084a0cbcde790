import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { getJson } from '../../../src/pipeline/backends/http-call.ts';
import type { HttpCall } from '../../../src/pipeline/backends/http-contract.ts';
import { retryAfterSeconds } from '../../../src/pipeline/backends/http-refusal.ts';
import { type Act, afterOnePiece, callTo, endless, secretKey, startActing, within } from './acting-server.ts';
import type { ScriptedServer } from './scripted-server.ts';
import { failureOf, unaborted } from './text-request.ts';

let server: ScriptedServer<Act>;

beforeEach(async () => {
  server = await startActing();
});
afterEach(() => server.close());

const callOf = (overrides: Partial<HttpCall> = {}): HttpCall => callTo(server, overrides);

describe('an answer that is no 2xx', () => {
  test.each([429, 502, 503, 504])(
    'is BACKEND_BUSY for %d, with Retry-After in the evidence',
    async (status) => {
      server.script({ status, body: '<html>later</html>', headers: { 'retry-after': '12' } });
      const error = await failureOf(getJson(callOf(), unaborted()));
      expect(error).toMatchObject({ code: 'BACKEND_BUSY', params: { backend: 'example', status } });
      expect(error.evidence).toEqual({ status, body: '<html>later</html>', retryAfterSeconds: 12 });
    },
  );

  test.each([
    [404, '{"error":{"message":"no such thing","type":"t","code":"not_found"}}', 'HTTP 404 not_found'],
    [
      400,
      '{"error":{"message":"no","type":"invalid_request_error","code":null}}',
      'HTTP 400 invalid_request_error',
    ],
    [400, '{"error":{"message":"no","type":"bad_thing","code":400}}', 'HTTP 400 bad_thing'],
    [402, '{"error":{"message":"no","code":402}}', 'HTTP 402'],
    [402, '{"error":{"code":402,"metadata":{"error_type":"payment_required"}}}', 'HTTP 402 payment_required'],
    [400, '{"error":{"code":"your prompt was: tulips"}}', 'HTTP 400'],
    [404, '{"error":"model tulips not found"}', 'HTTP 404'],
    [500, '<html>tulips</html>', 'HTTP 500'],
    [500, '', 'HTTP 500'],
    [302, 'tulips', 'HTTP 302'],
  ])(
    'that is the request’s is BACKEND_REFUSED, the server’s BACKEND_FAILED: %d %s',
    async (status, body, what) => {
      server.script({ status, body, headers: { location: '/elsewhere' } });
      const error = await failureOf(getJson(callOf(), unaborted()));
      const code = status >= 500 ? 'BACKEND_FAILED' : 'BACKEND_REFUSED';
      expect(error).toMatchObject({ code, params: { backend: 'example', what } });
      expect(error.evidence).toMatchObject({ status, body });
      expect(error.message).not.toContain('tulips');
      expect(server.requests).toHaveLength(1);
    },
  );

  test('is read only as far as its evidence needs', async () => {
    server.script(async (turn) => {
      turn.response.writeHead(400);
      await endless(turn);
    });
    const error = await failureOf(getJson(callOf({ maxAnswerBytes: 1e12 }), unaborted()));
    expect(error.code).toBe('BACKEND_REFUSED');
    expect(error.evidence.body).toHaveLength(2_000);
    await expect(server.requests[0]?.ended).resolves.toBe('left');
  });

  test('keeps its status where its body breaks or stalls', async () => {
    server.script(
      afterOnePiece(({ cut }) => cut(), 503),
      afterOnePiece(({ hold }) => hold(), 503),
    );
    for (const idleMs of [60_000, 50]) {
      const error = await failureOf(getJson(callOf(within({ idleMs })), unaborted()));
      expect(error).toMatchObject({ code: 'BACKEND_BUSY', params: { status: 503 } });
      expect(error.evidence.body).toBe('a piece');
    }
  });

  test('never gives the key away, however the backend quotes it', async () => {
    const quotes = JSON.stringify({
      error: { code: 'sk', message: `wrong key ${secretKey}` },
      raw: secretKey,
    });
    server.script({ status: 401, body: quotes }, { status: 401, body: `wrong key ${secretKey}` });
    for (const _ of [1, 2]) {
      const error = await failureOf(getJson(callOf(), unaborted()));
      expect(error.evidence.body).toContain('wrong key [key]');
      for (const shown of [error.message, inspect(error, { depth: 9 }), inspect(error.evidence)]) {
        expect(shown).not.toContain('secret');
      }
    }
  });

  test('never takes the key for the code of the error', async () => {
    server.script({ status: 401, body: '{"error":{"code":"sk-plain"}}' });
    const error = await failureOf(getJson(callOf({ apiKey: 'sk-plain' }), unaborted()));
    expect(error.params).toEqual({ backend: 'example', what: 'HTTP 401' });
  });

  test('may be judged by the adapter first, which sees the whole body', async () => {
    const long = JSON.stringify({ filler: 'x'.repeat(5_000), reasons: ['a'] });
    server.script({ status: 403, body: long });
    const seen: unknown[] = [];
    const refusal: HttpCall['refusal'] = ({ status, json }) => void seen.push(status, json);
    await failureOf(getJson(callOf({ refusal }), unaborted()));
    expect(seen).toEqual([403, JSON.parse(long)]);
  });
});

describe('Retry-After', () => {
  test.each([
    [{ 'retry-after': '120' }, 120],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' }, 30],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:27:00 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' }, 0],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT' }, undefined],
    [{ 'retry-after': '1.5' }, undefined],
    [{ 'retry-after': '-3' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '99999999999' }, undefined],
    [{}, undefined],
  ])('of %j is %s seconds', (headers: Record<string, string>, seconds) => {
    expect(retryAfterSeconds((name) => headers[name])).toBe(seconds);
  });
});
