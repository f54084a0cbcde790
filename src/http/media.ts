import { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import { sniffMediaType } from '../media/media-type.ts';
import { answering, storedMedium } from './answers.ts';
import { readUpload, uploadLimits } from './upload.ts';
import type { Service } from './service.ts';

/** Stored media by their digest: the bytes never change, so a client may keep them. And pictures for runs to come. */
export const mediaRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(uploadRoutes(service));
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

const uploadRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.removeAllContentTypeParsers();
    await app.register(multipart, { limits: uploadLimits, throwFileSizeLimit: false });
    app.addContentTypeParser('*', async (request: FastifyRequest) => {
      throw otherThan(form, request.headers['content-type'] ?? '');
    });
    app.post(
      '/api/media',
      {
        schema: {
          summary: 'Store a picture of up to 20 MiB',
          consumes: [form],
          querystring: z.strictObject({}),
          body: uploadForm,
          response: answering({ 201: storedMedium }),
        },
      },
      async (request, reply) => {
        if (!request.isMultipart()) throw otherThan(form, '');
        const bytes = await readUpload(request, reply);
        const mediaType = sniffMediaType(bytes);
        if (!mediaType.startsWith('image/'))
          throw otherThan('a picture: PNG, JPEG, GIF, WebP or AVIF', mediaType);
        const { sha256, sizeBytes } = await service.putMedia(bytes, request.signal);
        return reply
          .code(201)
          .header('location', `/api/media/${sha256}`)
          .send({ sha256, media_type: mediaType, bytes: sizeBytes });
      },
    );
  };

const form = 'multipart/form-data';

const otherThan = (accepted: string, given: string): LedgerError =>
  new LedgerError('UNSUPPORTED_MEDIA_TYPE', { given, accepted });

/** For /openapi.json alone: the parts of a form are read, and refused, one by one. The name of the part does not matter. */
const uploadForm = z.unknown().meta({
  type: 'object',
  required: ['file'],
  properties: { file: { type: 'string', format: 'binary' } },
});
