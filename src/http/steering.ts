import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { answering, steered } from './answers.ts';
import { type Service, settle } from './service.ts';

const steeringBody = z.strictObject({ reason: z.string().max(2_000).optional() }).nullish();

/** Cancelling, pausing and resuming a run that is executed here. */
export const steeringRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    for (const action of ['cancel', 'pause', 'resume'] as const) {
      app.post(
        `/api/runs/:id/${action}`,
        {
          schema: {
            summary: `${action[0]?.toUpperCase()}${action.slice(1)} a run`,
            params: z.strictObject({ id: z.string() }),
            body: steeringBody,
            response: answering({ 200: steered, 202: steered }),
          },
        },
        async (request, reply) => {
          const { record, position } = await service[action](request.params.id, request.body?.reason);
          await settle(service, reply, position);
          const { execution_id, status, cancelled_at } = record;
          const answer: z.infer<typeof steered> = { execution_id, status, cancelled_at };
          return reply
            .code(status === 'cancelling' ? 202 : 200)
            .type('application/json; charset=utf-8')
            .send(answer);
        },
      );
    }
  };
