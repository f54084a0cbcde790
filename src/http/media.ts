import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import type { Service } from './service.ts';

/** Serving stored media by their digest: the bytes never change, so a client may keep them. */
export const mediaRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/api/media/:sha256',
      {
        schema: {
          summary: 'A stored medium',
          params: z.strictObject({ sha256: z.string() }),
          querystring: z.strictObject({}),
        },
      },
      async (request, reply) => {
        const { sha256 } = request.params;
        const found = /^[0-9a-f]{64}$/.test(sha256) ? await service.openMedia(sha256) : undefined;
        if (!found) throw new LedgerError('MEDIA_NOT_FOUND', { sha256: sha256.slice(0, 80) });
        return reply
          .type(found.mediaType)
          .header('x-content-type-options', 'nosniff')
          .header('content-length', found.sizeBytes)
          .header('cache-control', 'private, max-age=31536000, immutable')
          .header('content-security-policy', "default-src 'none'; sandbox")
          .header('etag', `"${sha256}"`)
          .send(found.stream);
      },
    );
  };
