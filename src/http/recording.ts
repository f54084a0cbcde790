import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError, type PointedDetail } from '../errors.ts';
import { catalogued } from '../events/catalogue.ts';
import { itemTypeName, mediaType } from '../events/core.ts';
import { oldSafetyLevels, safetyLevel, safetyLevels } from '../events/decision.ts';
import type { ItemDraft } from '../events/item.ts';
import { toUtc } from '../events/time.ts';
import { upcastType } from '../events/upcast.ts';
import type { RunItem } from '../run/recorder.ts';
import { answering, recorded, runHeader } from './answers.ts';
import { isExecutionId } from '../run/execution-id.ts';
import { versionIn } from './preconditions.ts';
import { sendJson } from './runs.ts';
import { type Service, settle } from './service.ts';

/** Items in one request. */
const maxItems = 500;

export const postedItem = z.strictObject({
  item_type: itemTypeName,
  client_id: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('your name for this item: makes a retry harmless'),
  timestamp: z.string().nullish(),
  stage: z.int().min(0).max(5).nullish(),
  stage_iteration: z.int().min(1).nullish(),
  loop_iteration: z.int().min(1).nullish(),
  media_type: mediaType.nullish(),
  content: z.string().nullish(),
  file_path: z.string().nullish(),
  config_used: z.string().nullish(),
  model_used: z.string().nullish(),
  backend_used: z.string().nullish(),
  execution_time: z.number().min(0).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});
type PostedItem = z.infer<typeof postedItem>;

const postedItems = z.union([
  postedItem,
  z.strictObject({ items: z.array(postedItem).min(1).max(maxItems) }),
]);

const oldLevels = Object.keys(oldSafetyLevels);
export const anySafetyLevel = z
  .enum([...safetyLevels, ...oldLevels])
  .transform((level) => oldSafetyLevels[level] ?? safetyLevel.parse(level));

const shortText = z.string().min(1).max(200);

const postedRun = z.strictObject({
  config_name: shortText,
  execution_id: z.string().optional().describe('yours, or one is made'),
  execution_mode: z.enum(['eco', 'fast']).default('eco'),
  safety_level: anySafetyLevel.default('kids'),
  user_id: shortText.default('anonymous'),
  session_id: shortText.default('default'),
  used_seed: z.int().nullish(),
  scope_type: shortText.nullish(),
  scope_id: shortText.nullish(),
  timestamp: z.string().optional(),
});
type PostedRun = z.infer<typeof postedRun>;

/** Recording a pipeline that runs elsewhere: one run, then its items as they happen. */
export const recordingRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/api/runs',
      {
        schema: {
          summary: 'Begin to record a run',
          body: postedRun,
          response: answering({ 201: runHeader }),
        },
      },
      async (request, reply) => {
        const executionId = request.body.execution_id ?? service.newExecutionId();
        if (!isExecutionId(executionId)) {
          throw refusedAt(
            '/execution_id',
            'must match [A-Za-z0-9][A-Za-z0-9._-]{0,127} and be neither stats nor import',
          );
        }
        const { position } = await service.recorder.record({
          executionId,
          by: 'foreign',
          run: 'new',
          items: [startOf(request.body)],
          userId: request.body.user_id,
        });
        await settle(service, reply, position);
        void reply.header('location', `/api/runs/${executionId}`);
        return answerSummary(service, reply, executionId);
      },
    );

    app.post(
      '/api/runs/:id/items',
      {
        schema: {
          summary: 'Record items of a run',
          params: z.strictObject({ id: z.string() }),
          body: postedItems,
          response: answering({ 201: recorded }),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        if (!isExecutionId(id)) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: id });
        const { body } = request;
        const posted = 'items' in body ? body.items : [body];
        const prefix = (index: number): string => ('items' in body ? `/items/${index}` : '');
        const items = posted.map((item, index) => runItem(item, prefix(index)));
        const expectedVersion = versionIn(request.headers['if-match']);
        const { state, sequenceNumbers, position } = await pointingInto(prefix, () =>
          service.recorder.record({
            executionId: id,
            by: 'foreign',
            run: 'existing',
            items,
            expectedVersion,
          }),
        );
        await settle(service, reply, position);
        return reply
          .code(201)
          .send({ execution_id: id, version: state.version, sequence_numbers: sequenceNumbers });
      },
    );
  };

/** The recorder points into its list of items (`/3/content`); a client sent them under another name, or just one. */
async function pointingInto<T>(prefix: (index: number) => string, record: () => Promise<T>): Promise<T> {
  try {
    return await record();
  } catch (error) {
    if (!(error instanceof LedgerError) || error.errors.length === 0) throw error;
    const errors = error.errors.map(({ pointer, detail }) => ({
      pointer: pointer.replace(/^\/(\d+)/, (_, index: string) => prefix(Number(index))),
      detail,
    }));
    throw new LedgerError(error.code, error.params, { errors, cause: error });
  }
}

/** 201 with the run's summary, or with its id alone while the read model is behind (the header says so). */
function answerSummary(service: Service, reply: FastifyReply, executionId: string): FastifyReply {
  try {
    return sendJson(reply, service.queries.header(executionId).text, 201);
  } catch (error) {
    // The run is recorded, whatever state the read model is in: that must not look like a refusal.
    if (!(error instanceof LedgerError)) throw error;
    return sendJson(reply, JSON.stringify({ execution_id: executionId }), 201);
  }
}

function startOf(run: PostedRun): RunItem {
  const { config_name, execution_mode, safety_level, user_id, session_id, used_seed, timestamp } = run;
  const scope = Object.fromEntries(
    (['scope_type', 'scope_id'] as const).flatMap((key) => (run[key] ? [[key, run[key]]] : [])),
  );
  return {
    draft: {
      item_type: 'pipeline_start',
      stage: 0,
      media_type: 'metadata',
      metadata: {
        config_name,
        execution_mode,
        safety_level,
        user_id,
        session_id,
        ...(used_seed === undefined || used_seed === null ? {} : { seed: used_seed }),
      },
      user_id,
      session_id,
      ...(Object.keys(scope).length === 0 ? {} : { record: scope }),
    },
    time: timestamp === undefined ? undefined : utcAt('/timestamp', timestamp),
  };
}

/** Fills in what the catalogue knows of the type and refuses what contradicts it (stage, needed iterations, texts). */
export function runItem({ client_id, timestamp, ...item }: PostedItem, prefix: string): RunItem {
  const entry = catalogued(upcastType(item.item_type));
  const draft: ItemDraft = {
    ...item,
    stage: item.stage ?? (entry && entry.stage !== 'any' ? entry.stage : undefined),
    media_type: item.media_type ?? entry?.media,
  };
  if (entry) {
    if (entry.stage !== 'any' && draft.stage !== entry.stage) {
      throw refusedAt(
        `${prefix}/stage`,
        `is ${draft.stage}, but ${item.item_type} belongs to stage ${entry.stage}`,
      );
    }
    if (entry.needs !== null && typeof draft[entry.needs] !== 'number') {
      throw refusedAt(`${prefix}/${entry.needs}`, `is missing: ${item.item_type} needs it`);
    }
    const parsed = entry.payload.safeParse(withoutNulls(draft));
    const [issue] = parsed.success ? [] : parsed.error.issues;
    if (issue) throw refusedAt(`${prefix}/${issue.path.join('/')}`, `${issue.message} (${item.item_type})`);
  }
  return {
    draft,
    clientId: client_id,
    time: timestamp === undefined || timestamp === null ? undefined : utcAt(`${prefix}/timestamp`, timestamp),
  };
}

const withoutNulls = (draft: ItemDraft): object =>
  Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== null && value !== undefined));

function utcAt(pointer: string, time: string): string {
  const utc = toUtc(time);
  if (utc === undefined)
    throw refusedAt(pointer, 'must be a time with its zone, such as 2026-01-31T09:30:00Z');
  return utc;
}

function refusedAt(pointer: string, detail: string): LedgerError {
  const errors: readonly PointedDetail[] = [{ pointer, detail }];
  return new LedgerError(
    'ITEM_SHAPE',
    { what: `${pointer} ${detail}`, cure: 'mend it and send the whole request again' },
    { errors },
  );
}
