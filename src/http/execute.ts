import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ExecutionItem } from '../events/item.ts';
import { catalogued } from '../events/catalogue.ts';
import type { ExecutionRecord } from '../run/record.ts';
import { answering, begun, executed, notExecuted } from './answers.ts';
import { anySafetyLevel } from './recording.ts';
import { idempotencyHeaders, idempotent } from './idempotency.ts';
import { type Service, settle, type StartRequest, type StepCount } from './service.ts';
import { inputImages, inputText, maxInputCharacters, sendBegun, startedAs } from './start.ts';

const executeBody = z.strictObject({
  schema: z.string().min(1).describe('the workflow'),
  input_text: inputText,
  input_images: inputImages.optional(),
  execution_mode: z.enum(['eco', 'fast']).default('eco'),
  safety_level: anySafetyLevel.optional().describe('kids where none is given'),
  user_id: z.string().min(1).max(200).default('anonymous'),
  session_id: z.string().min(1).max(200).default('default'),
  seed: z.int().nullish(),
  wait: z.boolean().default(true),
  user_input: z.string().max(maxInputCharacters).optional(),
  timestamp: z.string().optional(),
});

type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

/** Running a prompt through the four stages and waiting for the outcome, in the shape that old clients read. */
export const executeRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/api/schema/pipeline/execute',
      {
        schema: {
          summary: 'Run a prompt and wait for the outcome',
          body: executeBody,
          headers: idempotencyHeaders,
          response: answering({
            200: executed,
            202: begun,
            403: notExecuted,
            500: notExecuted,
            503: notExecuted,
          }),
        },
      },
      async (request, reply) => {
        const { body } = request;
        const start: StartRequest = {
          workflow: body.schema,
          input_text: body.input_text,
          input_images: body.input_images ?? [],
          ...startedAs(body),
          request_timestamp: body.timestamp,
        };
        const once = idempotent(request.headers, 'execute', body);
        if (!body.wait) return sendBegun(service, reply, start, once);
        // The run goes on when its client leaves: what was begun is recorded to its end.
        const { record, steps, position } = await service.execute(start, once);
        await settle(service, reply, position);
        const answer = answerOf(record, steps, body.schema, body.input_text);
        if (answer.status === 503) void reply.header('retry-after', '30');
        void reply.header('location', `/api/runs/${record.execution_id}`);
        return reply.code(answer.status).type('application/json; charset=utf-8').send(answer.body);
      },
    );
  };

function answerOf(record: ExecutionRecord, steps: StepCount, schema: string, inputText: string): Answer {
  const { execution_id } = record;
  switch (record.status) {
    case 'completed':
      return { status: 200, body: successOf(record, steps, schema, inputText) };
    case 'blocked':
      return blockedAnswer(record, schema);
    default:
      return {
        status: 500,
        body: {
          status: 'error',
          error: record.error?.message ?? `The run ended as ${record.status}.`,
          steps_completed: steps.completed,
          total_steps: steps.total,
          execution_id,
        },
      };
  }
}

function blockedAnswer(record: ExecutionRecord, schema: string): Answer {
  const block = itemWith(record, 'block_run');
  const reason = block?.metadata['blocked_reason'];
  return {
    status: reason === 'checker_unavailable' ? 503 : 403,
    body: {
      status: 'error',
      schema,
      error: block?.content ?? 'The input was refused.',
      metadata: { stage: 'pre_interception', safety_codes: block?.metadata['blocked_codes'] ?? [] },
      execution_id: record.execution_id,
    },
  };
}

function successOf(
  record: ExecutionRecord,
  steps: StepCount,
  schema: string,
  inputText: string,
): Answer['body'] {
  const outputs = mediaOutputs(record);
  const [only] = outputs;
  const media =
    outputs.length > 1
      ? { media_outputs: outputs, media_output_count: outputs.length }
      : only === undefined
        ? {}
        : { media_output: only };
  return {
    status: 'success',
    schema,
    config_name: record.config_name,
    input_text: inputText,
    final_output: record.result?.text ?? null,
    steps_completed: steps.completed,
    execution_time: record.total_execution_time,
    metadata: {
      safety_level: record.safety_level,
      execution_mode: record.execution_mode,
      used_seed: record.used_seed,
    },
    execution_id: record.execution_id,
    ...media,
  };
}

/** One entry for each output that the run tried, in order, whatever became of it. */
function mediaOutputs(record: ExecutionRecord): Record<string, unknown>[] {
  return record.items.flatMap((item) => {
    const shared = { config: item.config_used, execution_time: item.execution_time, metadata: item.metadata };
    switch (catalogued(item.item_type)?.effect) {
      case 'deliver_output':
        return [
          {
            ...shared,
            status: 'success',
            output: item.file_path ?? item.content,
            media_type: item.media_type,
          },
        ];
      case 'block_output':
        return [
          {
            ...shared,
            status: 'blocked',
            output: null,
            media_type: null,
            reason: item.content,
            safety_level: record.safety_level,
          },
        ];
      case 'fail_output':
        return [{ ...shared, status: 'error', output: null, media_type: null, error: item.content }];
      case 'skip_output': {
        const status = item.metadata['reason'] === 'no_backend' ? 'not_available' : 'skipped';
        return [{ ...shared, status, output: null, media_type: null, reason: item.content }];
      }
      case 'withhold_output':
        return [
          {
            ...shared,
            status: 'blocked',
            output: null,
            media_type: null,
            reason: item.content,
            safety_level: record.safety_level,
          },
        ];
      default:
        return [];
    }
  });
}

const itemWith = (record: ExecutionRecord, effect: string): ExecutionItem | undefined =>
  record.items.find((item) => catalogued(item.item_type)?.effect === effect);
