import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { answering, begun } from './answers.ts';
import { idempotencyHeaders, idempotent } from './idempotency.ts';
import { anySafetyLevel } from './recording.ts';
import { type IdempotentRequest, type Service, settle, type StartRequest } from './service.ts';

/** Longer inputs would hold up other requests: filter and picture work on the event loop. */
export const maxInputCharacters = 20_000;
const maxInputImages = 4;

export const inputText = z.string().min(1).max(maxInputCharacters);
export const inputImages = z
  .array(z.string().min(1).max(100))
  .max(maxInputImages)
  .describe('pictures of POST /api/media, by sha256 or by address');

const shortText = z.string().min(1).max(200);

const startMembers = z.strictObject({
  input_text: inputText.optional(),
  input: z
    .strictObject({ text: inputText, images: inputImages.optional() })
    .optional()
    .describe('instead of input_text'),
  scope_type: shortText.optional(),
  scope_id: shortText.optional(),
  execution_mode: z.enum(['eco', 'fast']).default('eco'),
  safety_level: anySafetyLevel.optional().describe('kids where none is given'),
  user_id: shortText.default('anonymous'),
  session_id: shortText.default('default'),
  seed: z.int().nullish(),
});

type StartMembers = Pick<z.infer<typeof startMembers>, 'input_text' | 'input' | 'scope_type' | 'scope_id'>;

function checkMembers(body: StartMembers, context: z.core.$RefinementCtx): void {
  if ((body.input_text === undefined) === (body.input === undefined)) {
    const message = 'send either input_text or input';
    context.addIssue({ code: 'custom', path: ['input_text'], message });
  }
  if ((body.scope_type === undefined) !== (body.scope_id === undefined)) {
    const message = 'scope_type and scope_id go together: send both or none';
    context.addIssue({ code: 'custom', path: ['scope_type'], message });
  }
}

const startBody = startMembers.superRefine(checkMembers);
const namedStartBody = startMembers.extend({ workflow_id: shortText }).superRefine(checkMembers);

/** Starting a run without waiting for it: 202 and its address at once. */
export const startRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    const response = answering({ 202: begun });
    app.post(
      '/api/workflows/:id/execute',
      {
        schema: {
          summary: 'Start a run of a workflow',
          params: z.strictObject({ id: z.string() }),
          headers: idempotencyHeaders,
          body: startBody,
          response,
        },
      },
      async (request, reply) => {
        const start = startOf(request.params.id, request.body);
        const once = idempotent(request.headers, `start ${start.workflow}`, request.body);
        return sendBegun(service, reply, start, once);
      },
    );

    app.post(
      '/api/executions',
      {
        schema: {
          summary: 'Start a run of the workflow that the body names',
          headers: idempotencyHeaders,
          body: namedStartBody,
          response,
        },
      },
      async (request, reply) => {
        const { workflow_id, ...body } = request.body;
        const once = idempotent(request.headers, `start ${workflow_id}`, body);
        return sendBegun(service, reply, startOf(workflow_id, body), once);
      },
    );
  };

function startOf(workflow: string, body: z.infer<typeof startMembers>): StartRequest {
  const { scope_type: type, scope_id: id } = body;
  return {
    workflow,
    input_text: body.input_text ?? body.input?.text ?? '',
    input_images: body.input?.images ?? [],
    ...startedAs(body),
    scope: type === undefined || id === undefined ? undefined : { type, id },
  };
}

type StartedAs = Pick<
  z.infer<typeof startMembers>,
  'execution_mode' | 'safety_level' | 'user_id' | 'session_id' | 'seed'
>;

/** Whose run it is and how it is done, as every body that starts one says it. */
export const startedAs = (body: StartedAs) => ({
  execution_mode: body.execution_mode,
  safety_level: body.safety_level ?? 'kids',
  level_set_by: body.safety_level === undefined ? ('default' as const) : ('request' as const),
  user_id: body.user_id,
  session_id: body.session_id,
  seed: body.seed ?? undefined,
});

/**
 * Starts a run and answers 202. The answer speaks of the start, whatever has become of the run since, so that it is the
 * same however often an Idempotency-Key comes with it.
 */
export async function sendBegun(
  service: Service,
  reply: FastifyReply,
  start: StartRequest,
  once: IdempotentRequest | undefined,
): Promise<FastifyReply> {
  const { executionId, startedAt, position } = await service.start(start, once);
  await settle(service, reply, position);
  const answer: z.infer<typeof begun> = {
    execution_id: executionId,
    workflow_id: start.workflow,
    status: 'pending',
    created_at: startedAt,
  };
  void reply.header('location', `/api/runs/${executionId}`);
  return reply.code(202).type('application/json; charset=utf-8').send(answer);
}
