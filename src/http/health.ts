import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Service } from './service.ts';

const noQuery = { querystring: z.strictObject({}) };

/** Is the process there, and can it do its work? A stopped or late read model is said, with its cure. */
export const healthRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/health/live',
      { schema: { summary: 'The process answers', ...noQuery } },
      async (_request, reply) => reply.code(204).send(),
    );

    app.get(
      '/health/ready',
      { schema: { summary: 'The store is reachable and the read models run', ...noQuery } },
      async (_request, reply) => {
        const health = await service.health();
        return reply.code(health.ready ? 200 : 503).send({
          status: health.ready ? 'ready' : 'not_ready',
          version: service.version,
          store: { id: service.storeId, reachable: health.head !== undefined, head: health.head ?? null },
          projections: health.projections,
        });
      },
    );
  };
