import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import { executionItem } from '../events/item.ts';
import { isExecutionId } from '../run/execution-id.ts';
import type { AlignedStep } from '../run/step-alignment.ts';
import { answering } from './answers.ts';
import { momentNamed } from './moment.ts';
import { pageOf } from './paging.ts';
import type { Service } from './service.ts';
import type { ComparedRun, RunComparison } from './time-machine-port.ts';

const bounds = { defaultLimit: 500, maxLimit: 1_000 };
const pageMembers = {
  limit: z.string().optional().describe('1 to 1000; 500 by default'),
  offset: z.string().optional().describe('from 0'),
};
const count = z.int().min(0);
const paged = { total: count, limit: z.int().min(1), offset: count, returned: count };

const runDiff = z.object({
  execution_id: z.string(),
  what: z.enum(['run', 'decisions']),
  from: z.object({ given: z.string().nullable(), items: count }),
  to: z.object({ given: z.string().nullable(), items: count }),
  changes: z.array(z.object({ member: z.string(), before: z.unknown(), after: z.unknown() })),
  added: z.array(executionItem),
  ...paged,
});

const comparedRun = z.looseObject({ execution_id: z.string(), status: z.string(), steps: count });
const runComparison = z.object({
  left: comparedRun,
  right: comparedRun,
  same_workflow: z.boolean(),
  same_policy: z.boolean(),
  aligned_by: z.array(z.string()),
  differing: count.describe('lines in which anything but the time differs, of all'),
  steps: z.array(
    z.looseObject({ stage: z.int(), step: z.string(), different: z.array(z.string()), left: z.unknown() }),
  ),
  ...paged,
});

/** One run at two moments, and two runs side by side. */
export const timeMachineRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/api/runs/:id/diff',
      {
        schema: {
          summary: 'What became of a run between two moments',
          params: z.strictObject({ id: z.string() }),
          querystring: z.strictObject({
            from: z.string().optional().describe('a sequence number or a time; before the run by default'),
            to: z.string().optional().describe('the same; now by default'),
            what: z.enum(['run', 'decisions']).optional(),
            ...pageMembers,
          }),
          response: answering({ 200: runDiff }),
        },
      },
      async (request) => {
        const { id } = request.params;
        const { from, to, what = 'run' } = request.query;
        const page = pageOf(request.query, bounds);
        const moments = {
          from: from === undefined ? undefined : momentNamed('from', from),
          to: to === undefined ? {} : momentNamed('to', to),
        };
        const diff = isExecutionId(id)
          ? await service.timeMachine.diff(id, { ...moments, what, ...page }, request.signal)
          : undefined;
        if (diff === undefined) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: id });
        return {
          execution_id: id,
          what,
          from: { given: from ?? null, items: diff.items.from },
          to: { given: to ?? null, items: diff.items.to },
          changes: diff.changes,
          added: diff.added,
          total: diff.total,
          ...page,
          returned: diff.added.length,
        };
      },
    );

    app.get(
      '/api/runs/:id/compare/:other',
      {
        schema: {
          summary: 'Two runs step by step',
          params: z.strictObject({ id: z.string(), other: z.string() }),
          querystring: z.strictObject(pageMembers),
          response: answering({ 200: runComparison }),
        },
      },
      async (request) => {
        const { id: left, other: right } = request.params;
        for (const id of [left, right])
          if (!isExecutionId(id)) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: id });
        const page = pageOf(request.query, bounds);
        const compared = await service.timeMachine.compare({ left, right }, page, request.signal);
        if ('unknown' in compared)
          throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: compared.unknown });
        const shown = compared.lines.slice(page.offset, page.offset + page.limit);
        return {
          left: sideOf(compared.left),
          right: sideOf(compared.right),
          same_workflow: isSame(compared, ({ header, workflowSha256 }) => [
            header.workflow_id,
            workflowSha256,
          ]),
          same_policy: isSame(compared, ({ policy }) => policy),
          aligned_by: ['stage', 'stage_iteration', 'loop_iteration', 'step', 'occurrence'],
          differing: compared.lines.filter(({ different }) => different.length > 0).length,
          steps: shown.map((line) => lineOf(line, compared)),
          total: compared.lines.length,
          ...page,
          returned: shown.length,
        };
      },
    );
  };

const isSame = ({ left, right }: RunComparison, of: (run: ComparedRun) => unknown): boolean =>
  JSON.stringify(of(left)) === JSON.stringify(of(right));

const sideOf = ({ header, workflowSha256, policy, steps }: ComparedRun) => ({
  execution_id: header.execution_id,
  status: header.status,
  workflow_id: header.workflow_id,
  workflow_sha256: workflowSha256,
  policy,
  safety_level: header.safety_level,
  execution_mode: header.execution_mode,
  used_seed: header.used_seed,
  total_execution_time: header.total_execution_time,
  items_count: header.items_count,
  steps: steps.length,
});

function lineOf(line: AlignedStep, { texts }: RunComparison) {
  const shown = (side: 'left' | 'right') => {
    const step = line[side];
    return step === null ? null : { ...step, ...texts[side].get(step.sequence_number) };
  };
  const { left, right } = line;
  const times = [left?.execution_time ?? null, right?.execution_time ?? null] as const;
  return {
    ...line,
    left: shown('left'),
    right: shown('right'),
    /** Seconds that the right one took longer. */
    time_difference: times[0] === null || times[1] === null ? null : times[1] - times[0],
  };
}
