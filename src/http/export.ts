import { createReadStream } from 'node:fs';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import { languages } from '../events/localized.ts';
import type { ExportChoice } from '../exporters/contract.ts';
import { formatNames, formats } from '../exporters/registry.ts';
import { views } from '../exporters/view.ts';
import { isExecutionId } from '../run/execution-id.ts';
import { answering } from './answers.ts';
import { languageOf } from './languages.ts';
import { sendProblem } from './problem.ts';
import type { ExportedFile, Service } from './service.ts';

const exportQuery = z.strictObject({
  view: z.enum(views).optional().describe('whom it is for; everything without'),
  include: z.literal('logs').optional().describe('log entries too, where there is a view'),
  lang: z.enum(languages).optional().describe('of the words that are ours; else as Accept-Language says'),
});

/** One run as a file in any format. */
export const exportRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/api/runs/:id/export/:format',
      {
        schema: {
          summary: 'One run as a file',
          params: z.strictObject({ id: z.string(), format: z.string() }),
          querystring: exportQuery,
          response: answering({}),
        },
      },
      async (request, reply) => {
        const { id: executionId, format } = request.params;
        const { view, include, lang } = request.query;
        const refused = refusalOf(format, request.query);
        if (refused !== undefined) return sendProblem(request, reply, refused.error, refused.members);
        if (!isExecutionId(executionId))
          throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: executionId });
        const language = lang ?? languageOf(request.headers['accept-language']);
        const wanted = { executionId, format, view, logs: include === 'logs', language };
        return sendFile(reply, await service.exportRun(wanted, request.signal));
      },
    );
  };

type Refusal = { readonly error: LedgerError; readonly members: Readonly<Record<string, unknown>> };

/** Why a format, or what was asked for beside it, is refused before anything is read. */
export function refusalOf(
  format: string,
  choices: Readonly<Partial<Record<ExportChoice, unknown>>>,
): Refusal | undefined {
  const exporter = formats.get(format);
  if (exporter === undefined) {
    return {
      error: new LedgerError('UNKNOWN_FORMAT', { format, supported: formatNames }),
      // Two names for what clients of old asked for: what is known, and what of it can be had.
      members: { format, supported_formats: formatNames, available_now: formatNames },
    };
  }
  const given = Object.entries(choices).filter(([, value]) => value !== undefined);
  const foreign = given
    .map(([name]) => name)
    .find((name) => !exporter.choices.some((taken) => taken === name));
  if (foreign === undefined) return undefined;
  const what = `${format} takes no ${foreign}`;
  const cure = `leave it out, or export ${formatsWith(foreign).join(' or ')}`;
  return { error: new LedgerError('INVALID_REQUEST', { what, cure }), members: {} };
}

const formatsWith = (choice: string): readonly string[] =>
  [...formats.values()]
    .filter(({ choices }) => choices.some((taken) => taken === choice))
    .map(({ format }) => format);

/** Sends a finished file as an attachment, with its length and digest, and removes it when it is sent or not wanted. */
async function sendFile(reply: FastifyReply, file: ExportedFile): Promise<FastifyReply> {
  const stream = createReadStream(file.path);
  const { log } = reply.request;
  stream.once('close', () => {
    file.remove().catch((error: unknown) => log.error({ err: error }, 'a sent export could not be removed'));
  });
  return reply
    .type(file.mediaType)
    .header('content-disposition', `attachment; filename="${file.fileName}"`)
    .header('content-length', file.sizeBytes)
    .header('content-digest', `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`)
    .header('cache-control', 'private, no-cache')
    .header('x-content-type-options', 'nosniff')
    .send(stream);
}
