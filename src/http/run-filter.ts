import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import { mediaTypes } from '../events/core.ts';
import { safetyLevels } from '../events/decision.ts';
import { toUtc } from '../events/time.ts';
import type { RunFilter } from '../queries/run-list.ts';
import { runStatuses } from '../run/lifecycle.ts';
import { isCalendarDay } from './paging.ts';

const statusWords = [...runStatuses, 'active'] as const;

/** What runs may be chosen by, in a query and in a body; all of it is text. */
export const filterMembers = {
  config: z.string().optional(),
  workflow_id: z.string().optional().describe('the same as config'),
  date: z.string().optional().describe('YYYY-MM-DD in the time zone of the service'),
  user_id: z.string().optional(),
  session_id: z.string().optional(),
  status: z
    .string()
    .optional()
    .describe(`comma list of ${statusWords.join(', ')}`),
  safety_level: z.enum(safetyLevels).optional(),
  execution_mode: z.enum(['eco', 'fast']).optional(),
  scope_type: z.string().optional(),
  scope_id: z.string().optional(),
  from: z.string().optional().describe('RFC 3339, inclusive'),
  to: z.string().optional().describe('RFC 3339, inclusive'),
  q: z.string().optional().describe('full text; not available yet'),
  output: z.enum(mediaTypes).optional().describe('a media type that the run delivered'),
} as const;

const givenFilter = z.strictObject(filterMembers);
type GivenFilter = z.infer<typeof givenFilter>;

/** The filter that the given members mean. Throws INVALID_REQUEST, INVALID_DATE, NOT_AVAILABLE. */
export function filterOf({ q, workflow_id, ...given }: GivenFilter): RunFilter {
  if (q !== undefined) {
    const cure = 'filter by its other members, and search in the exported records';
    throw new LedgerError('NOT_AVAILABLE', { what: 'Full text search (q) is not available yet', cure });
  }
  const { config, date, status, from, to } = given;
  if (config !== undefined && workflow_id !== undefined && config !== workflow_id) {
    throw new LedgerError('INVALID_REQUEST', {
      what: 'config and workflow_id name two workflows',
      cure: 'send one of them, they mean the same',
    });
  }
  if (date !== undefined && !isCalendarDay(date)) throw new LedgerError('INVALID_DATE', { value: date });
  return {
    ...given,
    config: config ?? workflow_id,
    status: status?.split(',').map(statusWord),
    from: from === undefined ? undefined : utcOrRefuse('from', from),
    to: to === undefined ? undefined : utcOrRefuse('to', to),
  };
}

function statusWord(word: string): (typeof statusWords)[number] {
  const known = statusWords.find((status) => status === word);
  if (known === undefined) {
    throw new LedgerError('INVALID_REQUEST', {
      what: `status is "${word}"`,
      cure: `use ${statusWords.join(', ')}`,
    });
  }
  return known;
}

function utcOrRefuse(name: string, value: string): string {
  const time = toUtc(value);
  if (time === undefined) throw badTime(name, value);
  return time;
}

export const badTime = (name: string, value: string): LedgerError =>
  new LedgerError('INVALID_REQUEST', {
    what: `${name} is "${value}"`,
    cure: 'send a time with its zone, such as 2026-01-31T09:30:00Z',
  });
