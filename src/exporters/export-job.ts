import { z } from 'zod';
import type { CoreDraft, Payload } from '../events/core.ts';
import { languages } from '../events/localized.ts';
import { count, hexDigest, identifier } from '../events/token.ts';
import { views } from './view.ts';

/** What is exported, and how each run of it is told. */
const asked = z.object({
  format: identifier,
  /** Null: everything is shown. */
  view: z
    .enum(views)
    .optional()
    .transform((view) => view ?? null),
  language: z.enum(languages),
  logs: z.boolean(),
  /** Runs that matched the filter at the time of the request. */
  runs: count,
});

/** A finished result. */
const result = z.object({ sha256: hexDigest, size_bytes: count, runs: count, errors: count });
const failure = z.object({ error_type: identifier });

/** Where an export job stands: the fold of its stream. */
export const exportJob = z.strictObject({
  format: identifier,
  view: z.enum(views).nullable(),
  language: z.enum(languages),
  logs: z.boolean(),
  runs: count,
  /** As the client gave it; null once its payload was erased. */
  filter: z.record(z.string(), z.unknown()).nullable(),
  /** RFC 3339, UTC. */
  createdAt: z.string(),
  /** `open`: it waits or is worked at, by this process or by the next one. */
  status: z.enum(['open', 'finished', 'failed', 'cancelled', 'expired']),
  /** When it came to its status; for an expired one when it had ended. */
  endedAt: z.string().nullable(),
  expiredAt: z.string().nullable(),
  result: z.strictObject(result.shape).nullable(),
  /** Why it stopped, while it has failed. */
  error: z.strictObject({ type: z.string(), message: z.string().nullable() }).nullable(),
});
export type ExportJob = z.infer<typeof exportJob>;

/** The item types of a job's stream. */
export const exportTypes = [
  'export_requested',
  'export_finished',
  'export_failed',
  'export_cancelled',
  'export_resumed',
  'export_expired',
] as const;
export type ExportType = (typeof exportTypes)[number];

const prefix = 'export-';
const idPattern = /^export_\d{8}_\d{6}_[0-9a-f]{8}$/;

export const isExportId = (text: string): boolean => idPattern.test(text);
export const exportStreamOf = (id: string): string => `${prefix}${id}`;
/** The job whose stream this is; undefined for the stream of something else. */
export const exportIdOf = (stream: string): string | undefined =>
  stream.startsWith(prefix) ? stream.slice(prefix.length) : undefined;

type Told = Pick<CoreDraft, 'type' | 'facts' | 'time'>;

/** Folds one event of a job's stream; null before its request. Total: what it cannot read changes nothing. */
export function evolveExport(
  state: ExportJob | null,
  { type, facts, time }: Told,
  payload: Payload | null,
): ExportJob | null {
  if (type === 'export_requested') {
    const { data } = asked.safeParse(facts);
    if (data === undefined) return state;
    const filter = exportJob.shape.filter.safeParse(payload?.metadata?.['filter']).data ?? null;
    return { ...data, filter, createdAt: time, ...open };
  }
  if (state === null) return null;
  switch (type) {
    case 'export_finished': {
      const { data } = result.safeParse(facts);
      return data === undefined
        ? state
        : { ...state, ...open, status: 'finished', endedAt: time, result: data };
    }
    case 'export_failed': {
      const { data } = failure.safeParse(facts);
      const error = { type: data?.error_type ?? 'unknown', message: payload?.content ?? null };
      return { ...state, ...open, status: 'failed', endedAt: time, error };
    }
    case 'export_cancelled':
      return { ...state, ...open, status: 'cancelled', endedAt: time };
    case 'export_resumed':
      return { ...state, ...open };
    case 'export_expired':
      return { ...state, status: 'expired', expiredAt: time };
    default:
      return state;
  }
}

const open = { status: 'open', endedAt: null, expiredAt: null, result: null, error: null } as const;
