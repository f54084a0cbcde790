import { once } from 'node:events';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorTable } from '../../src/error-table.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { createApp } from '../../src/http/app.ts';
import type { Service } from '../../src/http/service.ts';
import { moment } from '../moment.ts';
import { type LedgerService, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
beforeAll(async () => {
  service = await startLedgerService();
});
afterAll(() => service.close());

const urnOf = (code: string): string => `urn:runledger:error:${code.toLowerCase().replaceAll('_', '-')}`;
const json = { 'content-type': 'application/json' };

type Request = {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
};

/** Each refusal of the HTTP surface that needs nothing but the request itself. */
const refusals: readonly (readonly [ErrorCode, string, Request?])[] = [
  ['INVALID_REQUEST', '/api/runs?colour=red'],
  ['INVALID_LIMIT', '/api/runs?limit=0'],
  ['INVALID_OFFSET', '/api/runs?offset=-1'],
  ['INVALID_DATE', '/api/runs?date=2026-02-30'],
  ['ROUTE_NOT_FOUND', '/api/nothing'],
  ['METHOD_NOT_ALLOWED', '/api/runs', { method: 'DELETE' }],
  ['INVALID_JSON', '/api/runs', { method: 'POST', headers: json, body: '{"a":1,"a":2}' }],
  [
    'UNSUPPORTED_MEDIA_TYPE',
    '/api/runs',
    { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'a' },
  ],
  ['BODY_TOO_LARGE', '/api/runs', { method: 'POST', headers: json, body: ' '.repeat(20 * 1024 * 1024) }],
  ['UNKNOWN_TIME_ZONE', '/api/runs/import?timezone=Mars', { method: 'POST', headers: json, body: '[]' }],
  ['EXECUTION_NOT_FOUND', '/api/runs/exec_20200101_000000_00000000'],
  ['UNKNOWN_FORMAT', '/api/runs/exec_20200101_000000_00000000/export/odt'],
  ['MEDIA_NOT_FOUND', `/api/media/${'0'.repeat(64)}`],
  ['NOT_AVAILABLE', '/api/runs?q=flower'],
  ['EXECUTION_NOT_FOUND', '/api/runs/exec_20200101_000000_00000000/cancel', { method: 'POST' }],
];

const cases = refusals.map(([code, path, init = {}]) => ({ code, path, init }));

describe('a refusal', () => {
  test.each(cases)('$code is a problem document', async ({ code, path, init }) => {
    const answer = await fetch(`${service.url}${path}`, init);
    const problem = (await answer.json()) as Record<string, unknown>;
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(problem).toMatchObject({ type: urnOf(code), title: errorTable[code].title });
    expect([answer.status, problem['status']]).toEqual([errorTable[code].status, errorTable[code].status]);
    expect(problem['detail']).toMatch(/\S: \S/);
  });

  test('INTERNAL is the answer to a defect of ours, and tells nothing of it', async () => {
    const broken = {
      ...service.ledger.service,
      health: () => Promise.reject(new Error('secret of /some/path')),
    };
    const app = await createApp(broken, pino({ level: 'silent' }));
    const answer = await app.inject('/health/ready');
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ type: urnOf('INTERNAL'), status: 500 });
    expect(answer.body).not.toContain('secret');
    await app.close();
  });

  test.each([
    ['that only ended with it, is told at debug', (signal: AbortSignal) => signal.reason as unknown, 20],
    ['that has a defect, is an error all the same', () => new TypeError('a defect of ours'), 50],
  ])('whose client went away, %s', async (_, thrown, level) => {
    const [begun, logged] = [moment(), moment()];
    const lines: { readonly level: number; readonly err?: unknown }[] = [];
    const log = pino(
      { level: 'debug' },
      {
        write: (line: string) => {
          const entry = JSON.parse(line) as (typeof lines)[number];
          if (entry.err === undefined) return;
          lines.push(entry);
          logged.arrive();
        },
      },
    );
    const waiting: Service = {
      ...service.ledger.service,
      exportRun: async (_wanted, signal) => {
        begun.arrive();
        await once(signal, 'abort');
        throw thrown(signal);
      },
    };
    const app = await createApp(waiting, log);
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const leaving = new AbortController();
    const asked = expect(
      fetch(`${url}/api/runs/exec_20200101_000000_00000000/export/json`, { signal: leaving.signal }),
    ).rejects.toThrow();
    await begun.come;
    leaving.abort();
    await Promise.all([asked, logged.come]);
    await app.close();
    expect(lines.map((line) => line.level)).toEqual([level]);
  });
});
