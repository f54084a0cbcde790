import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import { mediaTypes } from '../events/core.ts';
import { safetyLevels } from '../events/decision.ts';
import { toUtc } from '../events/time.ts';
import { recordInView, views } from '../exporters/view.ts';
import { answering, runList, runRecord, runStats } from './answers.ts';
import { cursorPage } from './cursor.ts';
import { isCalendarDay, pageOf } from './paging.ts';
import { namesVersion } from './preconditions.ts';
import { isExecutionId } from '../run/execution-id.ts';
import { runStatuses } from '../run/lifecycle.ts';
import type { RunFilter } from '../queries/run-list.ts';
import type { Service } from './service.ts';

const statusWords = [...runStatuses, 'active'] as const;

const listQuery = z.strictObject({
  limit: z.string().optional().describe('1 to 100; 20 by default'),
  offset: z.string().optional().describe('from 0'),
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
  cursor: z.string().optional().describe('empty for the first page, then next_cursor; instead of offset'),
  q: z.string().optional().describe('full text; not available yet'),
  output: z.enum(mediaTypes).optional().describe('a media type that the run delivered'),
});
type ListQuery = z.infer<typeof listQuery>;

const recordQuery = z.strictObject({
  at_seq: z.string().optional().describe('the run as it was after this item'),
  at: z.string().optional().describe('RFC 3339: what was known at this time'),
  view: z.enum(views).optional().describe('only the items of this view'),
  include: z.literal('logs').optional().describe('log entries too, where there is a view'),
});

const runParams = z.strictObject({ id: z.string() });

/** Reading runs: the list, one record now or then, whole or as one view, the statistics. */
export const runRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/api/runs/stats',
      {
        schema: {
          summary: 'How much is recorded',
          querystring: z.strictObject({}),
          response: answering({ 200: runStats }),
        },
      },
      async () => {
        const { total_records, total_size_bytes, by_status } = service.queries.stats();
        const total_size_mb = Math.round((total_size_bytes / 1024 / 1024) * 100) / 100;
        return { total_records, total_size_bytes, total_size_mb, storage_dir: 'log', by_status };
      },
    );

    app.get(
      '/api/runs',
      {
        schema: {
          summary: 'List runs, newest first',
          querystring: listQuery,
          response: answering({ 200: runList }),
        },
      },
      async (request, reply) => {
        const { cursor, offset, q } = request.query;
        if (q !== undefined) {
          const cure = 'filter by its other members, and search in the exported records';
          throw new LedgerError('NOT_AVAILABLE', { what: 'Full text search (q) is not available yet', cure });
        }
        const page = pageOf(request.query, { defaultLimit: 20, maxLimit: 100 });
        const filter = filterOf(request.query);
        if (cursor === undefined)
          return sendList(reply, request.query, page, service.queries.list(filter, page));
        if (offset !== undefined) {
          const cure = 'send one of them: a cursor knows its place';
          throw new LedgerError('INVALID_REQUEST', { what: 'cursor and offset are both given', cure });
        }
        const { limit } = page;
        const { next, ...found } = cursorPage(service.queries.list, service.authenticate, filter, {
          cursor,
          limit,
        });
        if (next !== null) {
          const query = new URLSearchParams({ ...givenOf(request.query), cursor: next });
          void reply.header('link', `</api/runs?${query.toString()}>; rel="next"`);
        }
        return sendList(reply, request.query, { limit, next_cursor: next }, found);
      },
    );

    app.get(
      '/api/runs/:id',
      {
        schema: {
          summary: 'One run with all its items',
          params: runParams,
          querystring: recordQuery,
          response: answering({ 200: runRecord }),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const found = await recordAt(service, id, request.query, request.signal);
        void reply.header('etag', `"${found.version}"`);
        if (namesVersion(request.headers['if-none-match'], found.version)) return reply.code(304).send();
        return sendJson(reply, found.text);
      },
    );
  };

function sendList(
  reply: FastifyReply,
  query: ListQuery,
  page: object,
  { texts, total }: { readonly texts: readonly string[]; readonly total: number },
): FastifyReply {
  const tail = JSON.stringify({ total, ...page, returned: texts.length, filters: shownFilters(query) });
  return sendJson(reply, `{"executions":[${texts.join(',')}],${tail.slice(1)}`);
}

/** A ready-made JSON text; Fastify must not serialise it again. */
export function sendJson(reply: FastifyReply, text: string, status = 200): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').serializer(String).send(text);
}

async function recordAt(
  service: Service,
  id: string,
  { at_seq, at, view, include }: z.infer<typeof recordQuery>,
  signal: AbortSignal,
): Promise<{ text: string; version: number }> {
  const unknown = new LedgerError('EXECUTION_NOT_FOUND', { execution_id: id });
  if (!isExecutionId(id)) throw unknown;
  if (at_seq === undefined && at === undefined && view === undefined) {
    return service.queries.record(id);
  }
  const seq = at_seq === undefined ? undefined : Number(at_seq);
  if (seq !== undefined && (!/^\d{1,9}$/.test(at_seq ?? '') || seq < 1)) {
    throw new LedgerError('INVALID_REQUEST', {
      what: `at_seq is "${at_seq}"`,
      cure: 'send a sequence number from 1',
    });
  }
  const time = at === undefined ? undefined : toUtc(at);
  if (at !== undefined && time === undefined) throw badTime('at', at);
  const record = await service.replay(id, { seq, time }, signal);
  if (!record) throw unknown;
  const shown = view === undefined ? record : recordInView(record, view, include === 'logs');
  return { text: JSON.stringify(shown), version: record.version };
}

const badTime = (name: string, value: string): LedgerError =>
  new LedgerError('INVALID_REQUEST', {
    what: `${name} is "${value}"`,
    cure: 'send a time with its zone, such as 2026-01-31T09:30:00Z',
  });

function filterOf(query: ListQuery): RunFilter {
  const { config, workflow_id, date, status, from, to } = query;
  if (config !== undefined && workflow_id !== undefined && config !== workflow_id) {
    throw new LedgerError('INVALID_REQUEST', {
      what: 'config and workflow_id name two workflows',
      cure: 'send one of them, they mean the same',
    });
  }
  if (date !== undefined && !isCalendarDay(date)) throw new LedgerError('INVALID_DATE', { value: date });
  const { limit: _limit, offset: _offset, cursor: _cursor, q: _q, workflow_id: _workflow, ...rest } = query;
  return {
    ...rest,
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

/** The four that clients always find, and each further one that was given. */
function shownFilters({
  limit: _limit,
  offset: _offset,
  cursor: _cursor,
  ...given
}: ListQuery): Record<string, unknown> {
  return { config: null, date: null, user_id: null, session_id: null, ...given };
}

const givenOf = (query: ListQuery): Record<string, string> =>
  Object.fromEntries(
    Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
