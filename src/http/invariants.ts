import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import { invariantIds, invariantRules, type InvariantResult } from '../ledger/invariants.ts';
import { isExecutionId } from '../run/execution-id.ts';
import { answering } from './answers.ts';
import { momentAt } from './moment.ts';
import { pageOf } from './paging.ts';
import type { Service } from './service.ts';

const count = z.int().min(0);
const sequenceNumbers = z.array(z.int().min(1)).describe('the first 1,000');
const status = z.enum(['pass', 'fail', 'unproven']);

const runInvariants = z.object({
  execution_id: z.string(),
  items: count.describe('that were checked'),
  status: status.describe('the worst of all'),
  invariants: z.array(
    z.object({
      id: z.enum(invariantIds),
      rule: z.string(),
      status,
      offending: sequenceNumbers,
      offences: count,
      unproven: sequenceNumbers,
      unproven_items: count,
      detail: z.string(),
    }),
  ),
});

const violations = z.object({
  as_of: z.string().nullable().describe('the position up to which the log was checked, at least'),
  complete: z.boolean().describe('whether that is all that the log is known to have'),
  checked: z.object({ runs: count, events: count }),
  invariants: z.array(
    z.object({ id: z.enum(invariantIds), rule: z.string(), violated_by: count, unproven_in: count }),
  ),
  violations: z.array(
    z.object({
      execution_id: z.string(),
      invariant: z.enum(invariantIds),
      offending: sequenceNumbers,
      offences: count,
      unproven: sequenceNumbers,
      unproven_items: count,
      detail: z.string(),
    }),
  ),
  total: count,
  limit: z.int().min(1),
  offset: count,
  returned: count,
  filters: z.object({ status: z.string(), invariant: z.string().nullable() }),
});

/** The invariants of one run out of its stream, and what any run breaks. */
export const invariantRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/api/runs/:id/invariants',
      {
        schema: {
          summary: 'What one run proves: I1 to I10',
          params: z.strictObject({ id: z.string() }),
          querystring: z.strictObject({
            at_seq: z.string().optional().describe('the run as it was after this item'),
            at: z.string().optional().describe('RFC 3339: the run as it was known at this time'),
          }),
          response: answering({ 200: runInvariants }),
        },
      },
      async (request) => {
        const { id } = request.params;
        const moment = momentAt(request.query);
        const checked = isExecutionId(id)
          ? await service.invariants.ofRun(id, moment, request.signal)
          : undefined;
        if (checked === undefined) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: id });
        const { items, results } = checked;
        return { execution_id: id, items, status: worst(results), invariants: results };
      },
    );

    app.get(
      '/api/audit/violations',
      {
        schema: {
          summary: 'What any run breaks, and over how much that was checked',
          querystring: z.strictObject({
            invariant: z.enum(invariantIds).optional(),
            status: z
              .enum(['fail', 'unproven'])
              .optional()
              .describe('fail by default; unproven: what kept history does not prove, which is no violation'),
            limit: z.string().optional().describe('1 to 1000; 100 by default'),
            offset: z.string().optional().describe('from 0'),
          }),
          response: answering({ 200: violations }),
        },
      },
      async (request) => {
        const { invariant, status: wanted = 'fail' } = request.query;
        const page = pageOf(request.query, { defaultLimit: 100, maxLimit: 1_000 });
        const head = await service.head();
        if (head !== null) service.readModels.heardOf(head);
        const { position, behind } = service.readModels.reached();
        const found = service.invariants.ofAll({ status: wanted, invariant, ...page });
        return {
          as_of: position,
          complete: !behind.some(({ name }) => name === 'violations'),
          checked: found.checked,
          invariants: invariantIds.map((id) => ({
            id,
            rule: invariantRules[id],
            violated_by: found.counts[id].fail,
            unproven_in: found.counts[id].unproven,
          })),
          violations: found.faults,
          total: found.total,
          ...page,
          returned: found.faults.length,
          filters: { status: wanted, invariant: invariant ?? null },
        };
      },
    );
  };

function worst(results: readonly InvariantResult[]): InvariantResult['status'] {
  const has = (wanted: InvariantResult['status']): boolean =>
    results.some((result) => result.status === wanted);
  return has('fail') ? 'fail' : has('unproven') ? 'unproven' : 'pass';
}
