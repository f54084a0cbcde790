import { createHash } from 'node:crypto';
import type { Replay, ReplayedMedium } from '../../src/exporters/contract.ts';
import type { Language } from '../../src/events/localized.ts';
import { watchWithheld } from '../../src/exporters/withheld.ts';
import type { Evidence } from '../../src/exporters/evidence.ts';
import { isSetback } from '../../src/exporters/setback.ts';
import { sniffMediaType } from '../../src/media/media-type.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';

/** A record as an exporter gets it, with the media that are said to be held. */
export function replayOf(
  record: ExecutionRecord,
  {
    language = 'en',
    media = [],
    evidence = { kind: 'none', why: 'unsigned' },
  }: {
    readonly language?: Language;
    readonly media?: readonly Uint8Array[];
    readonly evidence?: Evidence;
  } = {},
): Replay {
  const { items, ...header } = record;
  const [start] = items;
  if (start === undefined) throw new TypeError('a run has an item');
  const { see, seen } = watchWithheld();
  for (const item of items) see(item);
  const held = new Map(media.map((bytes) => [digestOf(bytes), mediumOf(bytes)]));
  return {
    header,
    async *items(signal) {
      for (const item of items) {
        signal.throwIfAborted();
        yield item;
      }
    },
    start,
    async *setbacks() {
      yield* items.filter(({ item_type }) => isSetback(item_type));
    },
    withheld: seen(),
    medium: async (sha256) => (seen().digests.includes(sha256) ? undefined : held.get(sha256)),
    evidence: async () => evidence,
    language,
    head: { sequenceNumber: record.version + 1, hash: digestOf(Buffer.from(record.execution_id)) },
  };
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const mediumOf = (bytes: Uint8Array): ReplayedMedium => ({
  sha256: digestOf(bytes),
  mediaType: sniffMediaType(bytes),
  sizeBytes: bytes.byteLength,
  async *read() {
    yield bytes;
  },
});
