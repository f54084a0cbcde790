import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { importReport, answering } from './answers.ts';
import { textOf } from './json-body.ts';
import { type Service, settle } from './service.ts';

/** Old records carry whole histories: more room than other requests. */
const importBodyBytes = 64 * 1024 * 1024;

/** Taking in records that older systems wrote. */
export const importRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    // The text itself: the importer keeps digits that JSON.parse would round, and says so, where other routes refuse.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer' },
      async (_request: unknown, body: Buffer) => textOf(body),
    );
    app.post(
      '/api/runs/import',
      {
        bodyLimit: importBodyBytes,
        schema: {
          summary: 'Import one old run record, or an array of up to 100',
          querystring: z.strictObject({
            timezone: z
              .string()
              .optional()
              .describe('IANA zone of times without one; UTC where none is given'),
          }),
          response: answering({ 200: importReport }),
        },
      },
      async (request, reply) => {
        const text = typeof request.body === 'string' ? request.body : '';
        const report = await service.importText(text, request.query.timezone);
        if (report.imported > 0) await settle(service, reply, await service.head());
        return report;
      },
    );
  };
