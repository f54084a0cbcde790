import type { Position } from '../event-store/port.ts';
import { taxonomyVersion } from '../events/core.ts';
import { decodeEvent } from '../events/envelope.ts';
import type { ItemDraft } from '../events/item.ts';
import { isLedgerError, LedgerError } from '../errors.ts';
import { createStreamWriter } from '../run/stream-writer.ts';
import {
  evolveReplay,
  isReplayId,
  type ReplayJob,
  replayStreamOf,
  type ReplayType,
} from '../safety/replay-job.ts';
import type { StreamParts } from './workflow-stream.ts';

/** Something that becomes of a replay. */
export type ReplayChange = {
  readonly type: ReplayType;
  readonly content?: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
};

/** A replay with the policy document that came with its request; undefined where it named a published one. */
export type StoredReplay = { readonly job: ReplayJob; readonly document: unknown };

/** The streams of replays. */
export type ReplayStreams = {
  /** Resolves once durable; null where the replay has ended already, by whoever worked at it. */
  readonly append: (id: string, change: ReplayChange) => Promise<Position | null>;
  /** Throws REPLAY_NOT_FOUND, also for what is no id. */
  readonly read: (id: string) => Promise<StoredReplay>;
};

export function createReplayStreams(parts: StreamParts): ReplayStreams {
  const writer = createStreamWriter<ReplayJob | null>({
    ...parts,
    initial: null,
    fold: (state, core) => evolveReplay(state, core, null),
  });
  return {
    async append(id, { type, content, metadata }) {
      const draft: ItemDraft = { item_type: type, stage: 0, media_type: 'metadata', content, metadata };
      const isAsked = type === 'replay_requested';
      try {
        const { position } = await writer.write({
          stream: replayStreamOf(id),
          actor: isAsked ? { kind: 'client', id: 'http' } : { kind: 'service', id: 'replays' },
          tax: taxonomyVersion,
          items: [{ draft }],
          decide: (state) => {
            if (!isAsked && state?.status !== 'open') throw new ReplayEnded();
          },
        });
        return position;
      } catch (error) {
        if (!(error instanceof ReplayEnded)) throw error;
        return null;
      }
    },
    async read(id) {
      if (!isReplayId(id)) throw new LedgerError('REPLAY_NOT_FOUND', { replay_id: id });
      const stream = replayStreamOf(id);
      let job: ReplayJob | null = null;
      let document: unknown;
      try {
        for await (const stored of parts.store.readStream(stream)) {
          const { core, payload } = decodeEvent(stored, parts.keys.keyOf(stream));
          job = evolveReplay(job, core, payload);
          document ??= payload?.metadata?.['document'];
        }
      } catch (error) {
        if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
      }
      if (job === null) throw new LedgerError('REPLAY_NOT_FOUND', { replay_id: id });
      return { job, document };
    },
  };
}

/** Why nothing is appended. */
class ReplayEnded extends Error {
  constructor() {
    super('the replay has ended');
    this.name = 'ReplayEnded';
  }
}
