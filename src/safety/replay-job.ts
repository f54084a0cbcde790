import { z } from 'zod';
import type { CoreDraft, Payload } from '../events/core.ts';
import { replayFacts, replayFailure, replayResult } from '../events/replay.ts';

const asked = z.object(replayFacts);
const result = z.object(replayResult);
const failure = z.object(replayFailure);

/** Where a replay of decisions under another policy stands: the fold of its stream. */
export const replayJob = z.strictObject({
  ...asked.shape,
  /** As the client gave it; null once its payload was erased. */
  filter: z.record(z.string(), z.unknown()).nullable(),
  /** RFC 3339, UTC. */
  createdAt: z.string(),
  /** `open`: it waits or is worked at, by this process or by the next one. */
  status: z.enum(['open', 'finished', 'failed']),
  endedAt: z.string().nullable(),
  result: z.strictObject(result.shape).nullable(),
  error: z.strictObject({ type: z.string(), message: z.string().nullable() }).nullable(),
});
export type ReplayJob = z.infer<typeof replayJob>;

/** The item types of a replay's stream. */
export const replayTypes = ['replay_requested', 'replay_finished', 'replay_failed'] as const;
export type ReplayType = (typeof replayTypes)[number];

const prefix = 'replay-';
const idPattern = /^replay_\d{8}_\d{6}_[0-9a-f]{8}$/;

export const isReplayId = (text: string): boolean => idPattern.test(text);
export const replayStreamOf = (id: string): string => `${prefix}${id}`;
/** The replay whose stream this is; undefined for the stream of something else. */
export const replayIdOf = (stream: string): string | undefined =>
  stream.startsWith(prefix) ? stream.slice(prefix.length) : undefined;

type Told = Pick<CoreDraft, 'type' | 'facts' | 'time'>;

/** Folds one event of a replay's stream; null before its request. Total: what it cannot read changes nothing. */
export function evolveReplay(
  state: ReplayJob | null,
  { type, facts, time }: Told,
  payload: Payload | null,
): ReplayJob | null {
  if (type === 'replay_requested') {
    const { data } = asked.safeParse(facts);
    if (data === undefined) return state;
    const filter = replayJob.shape.filter.safeParse(payload?.metadata?.['filter']).data ?? null;
    return { ...data, filter, createdAt: time, status: 'open', endedAt: null, result: null, error: null };
  }
  if (state === null) return null;
  if (type === 'replay_finished') {
    const { data } = result.safeParse(facts);
    return data === undefined ? state : { ...state, status: 'finished', endedAt: time, result: data };
  }
  if (type !== 'replay_failed') return state;
  const error = {
    type: failure.safeParse(facts).data?.error_type ?? 'unknown',
    message: payload?.content ?? null,
  };
  return { ...state, status: 'failed', endedAt: time, error };
}
