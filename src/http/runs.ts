import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import { recordInView, views } from '../exporters/view.ts';
import { answering, runList, runRecord, runStats } from './answers.ts';
import { cursorPage } from './cursor.ts';
import { momentAt } from './moment.ts';
import { pageOf } from './paging.ts';
import { namesVersion } from './preconditions.ts';
import { filterMembers, filterOf } from './run-filter.ts';
import { isExecutionId } from '../run/execution-id.ts';
import type { Service } from './service.ts';

const listQuery = z.strictObject({
  limit: z.string().optional().describe('1 to 100; 20 by default'),
  offset: z.string().optional().describe('from 0'),
  cursor: z.string().optional().describe('empty for the first page, then next_cursor; instead of offset'),
  ...filterMembers,
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
        const { limit: _limit, offset, cursor, ...given } = request.query;
        const filter = filterOf(given);
        const page = pageOf(request.query, { defaultLimit: 20, maxLimit: 100 });
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
  const record = await service.replay(id, momentAt({ at_seq, at }), signal);
  if (!record) throw unknown;
  const shown = view === undefined ? record : recordInView(record, view, include === 'logs');
  return { text: JSON.stringify(shown), version: record.version };
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
