import { Readable } from 'node:stream';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Position } from '../event-store/port.ts';
import { languages } from '../events/localized.ts';
import { formats } from '../exporters/registry.ts';
import { views } from '../exporters/view.ts';
import { answering, bulkExport, bulkExportBegun, bulkExports } from './answers.ts';
import { refusalOf } from './export.ts';
import { idempotencyHeaders, idempotent } from './idempotency.ts';
import { languageOf } from './languages.ts';
import { pageOf } from './paging.ts';
import { sendProblem } from './problem.ts';
import { filterMembers, filterOf } from './run-filter.ts';
import { type ExportState, type Service, settle } from './service.ts';

const exportBody = z.strictObject({
  filter: z.strictObject(filterMembers).describe('as of GET /api/runs; {} is every run'),
  format: z.string().describe([...formats.keys()].join(', ')),
  view: z.enum(views).optional().describe('everything where none is named'),
  include: z
    .array(z.enum(['logs']))
    .max(1)
    .optional()
    .describe('log entries too, where a view is named'),
  lang: z.enum(languages).optional().describe('of the words that are ours; else as Accept-Language says'),
});

const params = z.strictObject({ id: z.string() });
const noQuery = z.strictObject({});
const noBody = z.strictObject({}).nullish();

/** Exports of many runs at once: asking for them, following and steering them, and their files. */
export const bulkExportRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    const { exports } = service;

    app.post(
      '/api/exports',
      {
        schema: {
          summary: 'Export every run that matches a filter into one ZIP',
          headers: idempotencyHeaders,
          querystring: noQuery,
          body: exportBody,
          response: answering({ 202: bulkExportBegun }),
        },
      },
      async (request, reply) => {
        const { body } = request;
        const { filter, format, ...choices } = body;
        const refused = refusalOf(format, choices);
        if (refused !== undefined) return sendProblem(request, reply, refused.error, refused.members);
        const { id, startedAt, position } = await exports.start(
          {
            filter: filterOf(filter),
            givenFilter: filter,
            format,
            view: body.view,
            logs: body.include?.includes('logs') ?? false,
            language: body.lang ?? languageOf(request.headers['accept-language']),
          },
          idempotent(request.headers, 'export', body),
        );
        await settle(service, reply, position);
        // Of the start, whatever has become of it since: the same however often an Idempotency-Key comes with it.
        const answer: z.infer<typeof bulkExportBegun> = {
          export_id: id,
          status: 'queued',
          created_at: startedAt,
        };
        return reply.code(202).header('location', `/api/exports/${id}`).send(answer);
      },
    );

    app.get(
      '/api/exports',
      {
        schema: {
          summary: 'List exports, newest first',
          querystring: z.strictObject({
            limit: z.string().optional().describe('1 to 100; 20 by default'),
            offset: z.string().optional().describe('from 0'),
          }),
          response: answering({ 200: bulkExports }),
        },
      },
      async (request): Promise<z.infer<typeof bulkExports>> => {
        const page = pageOf(request.query, { defaultLimit: 20, maxLimit: 100 });
        const found = await exports.list(page);
        return {
          exports: found.exports.map(shown),
          total: found.total,
          ...page,
          returned: found.exports.length,
        };
      },
    );

    app.get(
      '/api/exports/:id',
      {
        schema: {
          summary: 'One export: its progress, and its file once it is finished',
          params,
          querystring: noQuery,
          response: answering({ 200: bulkExport }),
        },
      },
      async (request) => shown(await exports.read(request.params.id)),
    );

    for (const action of ['cancel', 'resume'] as const) {
      const summary =
        action === 'cancel'
          ? 'Stop an export and remove its files'
          : 'Go on with an export that failed; files that are whole are not made again';
      app.post(
        `/api/exports/:id/${action}`,
        {
          schema: {
            summary,
            params,
            querystring: noQuery,
            body: noBody,
            response: answering({ 200: bulkExport, 202: bulkExport }),
          },
        },
        async (request, reply) => {
          const { id } = request.params;
          const position: Position | null = await exports[action](id);
          await settle(service, reply, position);
          return reply.code(action === 'cancel' ? 200 : 202).send(shown(await exports.read(id)));
        },
      );
    }

    app.get(
      '/api/exports/:id/file',
      { schema: { summary: 'The ZIP of a finished export', params, querystring: noQuery } },
      async (request, reply) => {
        const { id } = request.params;
        const file = await exports.open(id);
        return reply
          .type('application/zip')
          .header('content-length', file.sizeBytes)
          .header('content-disposition', `attachment; filename="${id}.zip"`)
          .header('content-digest', `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`)
          .header('x-content-type-options', 'nosniff')
          .send(Readable.from(file.read(request.signal)));
      },
    );
  };

function shown({ id, job, status, progress, expiresAt, error }: ExportState): z.infer<typeof bulkExport> {
  const { result } = job;
  return {
    export_id: id,
    status,
    format: job.format,
    view: job.view,
    language: job.language,
    include: job.logs ? ['logs'] : [],
    filter: job.filter,
    created_at: job.createdAt,
    finished_at: job.endedAt,
    expires_at: expiresAt,
    progress,
    file:
      status === 'finished' && result !== null
        ? { href: `/api/exports/${id}/file`, size_bytes: result.size_bytes, sha256: result.sha256 }
        : null,
    error,
  };
}
