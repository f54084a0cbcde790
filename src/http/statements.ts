import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { languages } from '../events/localized.ts';
import { htmlStatement, plainStatement } from '../safety/statement-text.ts';
import { answering, reasons } from './answers.ts';
import { languageOf } from './languages.ts';
import { decisionParams, seqIn } from './reviews.ts';
import type { Service } from './service.ts';

const formats = ['json', 'text', 'html'] as const;
type Format = (typeof formats)[number];

const types: Readonly<Record<Format, string>> = {
  json: 'application/json; charset=utf-8',
  text: 'text/plain; charset=utf-8',
  html: 'text/html; charset=utf-8',
};

const query = z.strictObject({
  lang: z.enum(languages).optional().describe('else as Accept-Language says'),
  format: z.enum(formats).optional().describe('else as Accept says; json where it names none of them'),
});

/** Why a decision refused something, for the person whom it concerns. */
export const statementRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/api/runs/:id/decisions/:seq/statement',
      {
        schema: {
          summary: 'What was refused, by which rule, by whom, and how to object, in plain words',
          params: decisionParams,
          querystring: query,
          response: answering({ 200: reasons }),
        },
      },
      async (request, reply) => {
        const { lang, format = formatIn(request.headers.accept) } = request.query;
        const language = lang ?? languageOf(request.headers['accept-language']);
        const { id: executionId } = request.params;
        const wanted = { executionId, seq: seqIn(request.params), language };
        const statement = await service.reviews.statement(wanted, request.signal);
        void reply
          .type(types[format])
          .header('vary', 'accept, accept-language')
          .header('content-language', language)
          .header('x-content-type-options', 'nosniff')
          .header('content-security-policy', "default-src 'none'; sandbox");
        const shown = { json: JSON.stringify, text: plainStatement, html: htmlStatement }[format](statement);
        return reply.serializer(String).send(shown);
      },
    );
  };

/** The first of our forms that an `Accept` names; a browser names HTML first, and programs take JSON. */
function formatIn(accept = ''): Format {
  const named = accept
    .toLowerCase()
    .split(',')
    .map((range) => range.split(';', 1)[0]?.trim());
  const found = named.map((type) => formats.find((format) => types[format].startsWith(`${type};`)));
  return found.find((format) => format !== undefined) ?? 'json';
}
