import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import type { Position } from '../../src/event-store/port.ts';
import { createApp } from '../../src/http/app.ts';
import type { Ledger } from '../../src/service/assemble.ts';
import { openLedger } from '../../src/service/open.ts';
import { settingsOf } from '../store-under-test.ts';

export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
};

export type LedgerService = {
  /** Changes with a restart, as `ledger` does. */
  readonly url: string;
  readonly ledger: Ledger;
  /** Its data. */
  readonly directory: string;
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Reply>;
  readonly post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Reply>;
  /**
   * The end of the log once all in it is signed and in the read models: until somebody appends, the ledger has nothing to
   * say of itself.
   */
  readonly signedHead: () => Promise<Position | null>;
  /** Stops the service and starts it again on the same directory. */
  readonly restart: () => Promise<void>;
  readonly put: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Reply>;
  readonly delete: (path: string, headers?: Record<string, string>) => Promise<Reply>;
  readonly close: () => Promise<void>;
};

/**
 * A whole service on real files and a real port, in a directory of its own that goes with it; in another one, which
 * stays, where `RUNLEDGER_DATA` names it.
 */
export async function startLedgerService(
  settings: Readonly<Record<string, string>> = {},
  log: Logger = pino({ level: 'silent' }),
): Promise<LedgerService> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-http-'));
  const start = async () => {
    const ledger = await openLedger(readConfig(settingsOf(directory, settings)), log);
    const app = await createApp(ledger.service, log);
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    return { ledger, app, url };
  };
  let running = await start();
  const stop = async (): Promise<void> => {
    await running.app.close();
    await running.ledger.close(0);
  };
  const ask = async (path: string, init: RequestInit): Promise<Reply> => {
    const answer = await fetch(`${running.url}${path}`, init);
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') === true;
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
    };
  };
  const send = (
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> =>
    ask(path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    get url() {
      return running.url;
    },
    get ledger() {
      return running.ledger;
    },
    directory: settings['RUNLEDGER_DATA'] ?? directory,
    get: (path, headers = {}) => ask(path, { headers }),
    post: (path, body, headers) => send('POST', path, body, headers),
    put: (path, body, headers) => send('PUT', path, body, headers),
    delete: (path, headers = {}) => ask(path, { method: 'DELETE', headers }),
    signedHead: async () => {
      await running.ledger.service.ledger.sign();
      const head = await running.ledger.head();
      if (head !== null) await running.ledger.projector.waitFor(head, 10_000);
      return head;
    },
    restart: async () => {
      await stop();
      running = await start();
    },
    close: async () => {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
