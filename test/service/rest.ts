import { openLmdbSnapshot } from '../../src/event-store/lmdb/log.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';

export type Answer = {
  readonly status: number;
  readonly type: string;
  readonly json: Readonly<Record<string, unknown>>;
};

/** Asks a service; the answer's members where it is JSON. */
export async function ask(url: string, path: string, body?: object): Promise<Answer> {
  const init =
    body === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(`${url}${path}`, init);
  const text = await answer.text();
  const type = answer.headers.get('content-type') ?? '';
  return { status: answer.status, type, json: type.includes('json') ? JSON.parse(text) : {} };
}

/** Every event of a log that no service needs to serve. */
export async function eventsOf(logDirectory: string): Promise<readonly StoredEvent[]> {
  const log = await openLmdbSnapshot({ directory: logDirectory });
  const events: StoredEvent[] = [];
  for await (const event of log.readAll()) {
    // Copied: lmdb hands out views of a buffer that it uses again.
    events.push({ ...event, core: Uint8Array.from(event.core) });
  }
  await log.close();
  return events;
}
