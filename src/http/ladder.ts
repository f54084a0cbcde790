import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import { isExecutionId } from '../run/execution-id.ts';
import { answering } from './answers.ts';
import { runLadder } from './audit-answers.ts';
import { momentAt } from './moment.ts';
import type { Service } from './service.ts';

/** The checks of one run, in order, now or then. */
export const ladderRoutes =
  ({ audit }: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/api/runs/:id/decisions',
      {
        schema: {
          summary: 'Every check that a run was configured for, in order, also those that did not run',
          params: z.strictObject({ id: z.string() }),
          querystring: z.strictObject({
            at_seq: z.string().optional().describe('as it stood after this item'),
            at: z.string().optional().describe('RFC 3339: what was known at this time'),
          }),
          response: answering({ 200: runLadder }),
        },
      },
      async ({ params: { id }, query, signal }) => {
        const unknown = new LedgerError('EXECUTION_NOT_FOUND', { execution_id: id });
        if (!isExecutionId(id)) throw unknown;
        const ladder = await audit.ladder(id, momentAt(query), signal);
        if (ladder === undefined) throw unknown;
        const { sequenceNumber, policy, safetyLevel, gaps, rungs } = ladder;
        return {
          execution_id: id,
          as_of: { sequence_number: sequenceNumber },
          complete: gaps.length === 0,
          incomplete: gaps,
          policy,
          safety_level: safetyLevel,
          decisions: rungs,
        };
      },
    );
  };
