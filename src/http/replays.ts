import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { answering, replay, replayBegun, replayList, replayStatuses } from './answers.ts';
import { pageOf } from './paging.ts';
import type { ReplayRequest, ReplayState } from './replay-contract.ts';
import { filterMembers, filterOf } from './run-filter.ts';
import { type Service, settle } from './service.ts';

const published = z.strictObject({ id: z.string(), version: z.int().min(1) });
const replayBody = z.strictObject({
  policy: z
    .looseObject({})
    .describe('{id, version} of a policy that was published here, or a whole policy document'),
  filter: z.strictObject(filterMembers).default({}).describe('as of GET /api/runs; {} is every run'),
});
const page = {
  limit: z.string().optional().describe('1 to 1000; 100 by default'),
  offset: z.string().optional().describe('from 0'),
};
const rowQuery = z.strictObject({
  ...page,
  status: z.enum(replayStatuses).optional(),
  changed: z
    .enum(['true', 'false'])
    .optional()
    .describe('only decisions that would fall otherwise, or that would not'),
});
const bounds = { defaultLimit: 100, maxLimit: 1_000 };

/** What recorded decisions would have been under another policy. */
export const replayRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    const { replays } = service;

    app.post(
      '/api/audit/replays',
      {
        schema: {
          summary: 'Decide the recorded decisions of runs again under another policy, without asking a model',
          body: replayBody,
          response: answering({ 202: replayBegun }),
        },
      },
      async (request, reply) => {
        const { policy, filter } = request.body;
        const { id, startedAt, position } = await replays.start({
          policy: wantedIn(policy),
          filter: filterOf(filter),
          givenFilter: filter,
        });
        await settle(service, reply, position);
        const answer: z.infer<typeof replayBegun> = {
          replay_id: id,
          status: 'queued',
          created_at: startedAt,
        };
        return reply.code(202).header('location', `/api/audit/replays/${id}`).send(answer);
      },
    );

    app.get(
      '/api/audit/replays',
      {
        schema: {
          summary: 'List replays, newest first',
          querystring: z.strictObject(page),
          response: answering({ 200: replayList }),
        },
      },
      async (request) => {
        const wanted = pageOf(request.query, bounds);
        const found = await replays.list(wanted);
        return {
          replays: found.replays.map(shown),
          total: found.total,
          ...wanted,
          returned: found.replays.length,
        };
      },
    );

    app.get(
      '/api/audit/replays/:id',
      {
        schema: {
          summary: 'One replay: progress, counts, and its decisions once it is finished',
          params: z.strictObject({ id: z.string() }),
          querystring: rowQuery,
          response: answering({ 200: replay }),
        },
      },
      async (request) => {
        const { status, changed } = request.query;
        const wanted = pageOf(request.query, bounds);
        const state = await replays.read(request.params.id);
        const isChanged = changed === undefined ? undefined : changed === 'true';
        const found = await replays.rows(state, { ...wanted, status, changed: isChanged }, request.signal);
        return {
          ...shown(state),
          decisions: found.rows,
          total: found.total,
          ...wanted,
          returned: found.rows.length,
        };
      },
    );
  };

function wantedIn(policy: Readonly<Record<string, unknown>>): ReplayRequest['policy'] {
  const reference = published.safeParse(policy);
  return reference.success ? reference.data : { document: policy };
}

function shown({ id, job, status, progress }: ReplayState) {
  const { policy, filter, createdAt, endedAt, result, error } = job;
  const { sha256: _sha256, size_bytes: _size, errors: _errors, ...counts } = result ?? {};
  return {
    replay_id: id,
    status,
    policy,
    filter,
    created_at: createdAt,
    finished_at: endedAt,
    progress,
    result: result === null ? null : counts,
    error,
  };
}
