import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import { isTimeZone } from '../events/time.ts';
import { type Service, settle } from './service.ts';

/** Records in one request; more go through the command line. */
export const maxRecords = 100;
/** Old records carry whole histories: more room than other requests. */
const importBodyBytes = 64 * 1024 * 1024;

/** Taking in records that older systems wrote. */
export const importRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/api/runs/import',
      {
        bodyLimit: importBodyBytes,
        schema: {
          summary: 'Import old run records',
          querystring: z.strictObject({
            timezone: z
              .string()
              .optional()
              .describe('IANA zone of times without one; UTC where none is given'),
          }),
          body: z.union([z.array(z.unknown()).max(maxRecords), z.looseObject({})]),
        },
      },
      async (request, reply) => {
        const timeZone = request.query.timezone ?? 'UTC';
        if (!isTimeZone(timeZone)) {
          throw new LedgerError('INVALID_REQUEST', {
            what: `timezone is "${timeZone}"`,
            cure: 'send an IANA name such as Europe/Berlin',
          });
        }
        const records: readonly unknown[] = Array.isArray(request.body) ? request.body : [request.body];
        const { position, ...answer } = await service.importRecords(records, timeZone);
        await settle(service, reply, position);
        return answer;
      },
    );
  };
