import { Readable } from 'node:stream';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
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
        const found = await service.openMedia(sha256);
        return reply
          .type(found.mediaType)
          .header('x-content-type-options', 'nosniff')
          .header('content-length', found.sizeBytes)
          .header('cache-control', 'private, max-age=31536000, immutable')
          .header('content-security-policy', "default-src 'none'; sandbox")
          .header('etag', `"${sha256}"`)
          .send(Readable.from(found.read(request.signal)));
      },
    );
  };
