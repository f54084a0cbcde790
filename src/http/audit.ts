import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { answering } from './answers.ts';
import { decisionGroups, decisionList, shownCut, shownDecision } from './audit-answers.ts';
import { asOfMember, asOfOf, decisionFilterOf, decisionMembers, groupFieldsOf } from './audit-query.ts';
import { pageOf } from './paging.ts';
import type { Questioned } from './service.ts';

export const pageMembers = {
  limit: z.string().optional().describe('1 to 100; 20 by default'),
  offset: z.string().optional().describe('from 0'),
} as const;
export const auditPage = { defaultLimit: 20, maxLimit: 100 } as const;

const decisionsQuery = z.strictObject({
  ...pageMembers,
  ...asOfMember,
  ...decisionMembers,
  group_by: z
    .string()
    .optional()
    .describe('count by one or two fields of the filter, or by day, week, subject'),
});

/** Questions to the safety decisions of all runs. */
export const auditRoutes =
  ({ audit }: Questioned): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/api/audit/decisions',
      {
        schema: {
          summary: 'Safety decisions and recorded skips that match a filter, newest first, or counted',
          querystring: decisionsQuery,
          response: answering({ 200: z.union([decisionList, decisionGroups]) }),
        },
      },
      async (request) => {
        const { limit: _limit, offset: _offset, as_of, group_by, ...given } = request.query;
        const filter = decisionFilterOf(given);
        const page = pageOf(request.query, auditPage);
        if (group_by === undefined) {
          const { cut, total, decisions } = audit.decisions.list(filter, page, asOfOf(as_of));
          const shown = decisions.map(shownDecision);
          return {
            ...shownCut(cut),
            total,
            ...page,
            returned: shown.length,
            filters: given,
            decisions: shown,
          };
        }
        const fields = groupFieldsOf(group_by);
        const { cut, total, groupsTotal, groups } = audit.decisions.groups(
          filter,
          fields,
          page,
          asOfOf(as_of),
        );
        const counted = {
          total,
          group_by: fields,
          groups_total: groupsTotal,
          ...page,
          returned: groups.length,
        };
        return { ...shownCut(cut), ...counted, filters: given, groups };
      },
    );
  };
