import type { StoredEvent } from '../../src/events/stored-event.ts';
import { decodeEvent } from '../../src/events/envelope.ts';
import { keyOf } from '../recorded-runs.ts';

/** One event as the scan reads it: the bytes of its core parsed as JSON, and the words of its payload. */
export type RawEvent = {
  readonly position: string;
  readonly stream: string;
  readonly core: {
    readonly id: string;
    readonly seq: number;
    readonly type: string;
    readonly time: string;
    readonly recorded?: string;
    readonly stage?: number;
    readonly loop_iteration?: number;
    readonly config_used?: string;
    readonly model_used?: string;
    readonly execution_time?: number;
    readonly subject?: string;
    readonly actor: { readonly kind: string; readonly id: string };
    // Whatever anybody recorded.
    readonly facts?: Readonly<Record<string, unknown>>;
    readonly payload?: object;
  };
  readonly terms: readonly string[];
};

export function rawEvents(events: readonly StoredEvent[]): readonly RawEvent[] {
  return events.map((stored) => {
    const core = JSON.parse(Buffer.from(stored.core).toString('utf8')) as RawEvent['core'];
    const { payload } = decodeEvent(stored, keyOf(stored.stream));
    const found = (payload?.metadata?.['found_at'] ?? []) as readonly { list: string; term: string }[];
    const terms = [...new Set(found.map(({ list, term }) => `${list} ${term}`))];
    return { position: stored.position, stream: stored.stream, core, terms };
  });
}
