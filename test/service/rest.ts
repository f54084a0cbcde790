import { readConfig } from '../../src/config.ts';
import { openEventReader } from '../../src/event-store/open.ts';
import type { EventReader } from '../../src/event-store/port.ts';
import { settingsOf } from '../store-under-test.ts';
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

/** Every event in the log of a data directory; no service needs to serve it. */
export async function eventsOf(directory: string): Promise<readonly StoredEvent[]> {
  const { store } = readConfig(settingsOf(directory));
  const log = await openEventReader({ store, directory });
  try {
    return await eventsIn(log);
  } finally {
    await log.close();
  }
}

export async function eventsIn(log: Pick<EventReader, 'readAll'>): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const event of log.readAll()) {
    // Copied: lmdb hands out views of a buffer that it uses again.
    events.push({ ...event, core: Uint8Array.from(event.core) });
  }
  return events;
}
