import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { clockAnomalies, outputMarks, outputStates } from '../audit/run-rows.ts';
import { decisionRecord } from '../events/decision.ts';
import { keyedDigest } from '../events/token.ts';
import type { Cut } from '../queries/as-of.ts';
import { countTerms, differingTexts, findReviews, inUse } from '../queries/decision-questions.ts';
import { LedgerError } from '../errors.ts';
import { auditPage, pageMembers } from './audit.ts';
import {
  auditRows,
  decisionAnswer,
  reviewAnswer,
  shownCut,
  shownDecision,
  shownReview,
} from './audit-answers.ts';
import { asOfMember, asOfOf, numberOrRefuse, utcOrRefuse } from './audit-query.ts';
import { answering } from './answers.ts';
import { pageOf } from './paging.ts';
import type { Questioned } from './service.ts';

const common = { ...pageMembers, ...asOfMember } as const;
const onlyPage = z.strictObject(common);
const hours = (what: string) => z.string().optional().describe(`${what}, in hours`);
const at = z.string().optional().describe('RFC 3339: how long is counted up to here; as_of, or now');
type AtQuery = { readonly at?: string | undefined; readonly as_of?: string | undefined };

/** Questions that no filter of decisions answers: outputs, runs, terms, reviews and what else stands in the log. */
export const auditQuestionRoutes =
  ({ audit }: Questioned): FastifyPluginAsyncZod =>
  async (app) => {
    const { runs, decisions } = audit;
    /** As of a moment of the past its own clock counts; without one ours does. */
    const countedTo = (query: AtQuery): string | undefined =>
      query.at === undefined
        ? query.as_of === undefined
          ? audit.now()
          : undefined
        : utcOrRefuse('at', query.at);

    app.get(
      '/api/audit/outputs',
      {
        schema: {
          summary: 'Outputs, delivered or not, and how many stand against or without a decision',
          querystring: z.strictObject({
            ...common,
            state: z.enum(outputStates).optional(),
            mark: z.enum(outputMarks).optional().describe('what is wrong with it, or not proven'),
          }),
          response: answering({
            200: auditRows('outputs', z.looseObject({}), { counts: z.looseObject({}) }),
          }),
        },
      },
      async ({ query }) => {
        const page = pageOf(query, auditPage);
        const { cut, total, rows, counts } = runs.outputs(query, page, asOfOf(query.as_of));
        return shownRows(cut, total, page, { counts, outputs: rows.map(withoutNumber) });
      },
    );

    app.get(
      '/api/audit/runs',
      {
        schema: {
          summary: 'Runs that nothing has ended',
          querystring: z.strictObject({ ...common, open_longer_than: hours('24 by default'), at }),
          response: answering({ 200: auditRows('runs', z.looseObject({}), { at: z.string().nullable() }) }),
        },
      },
      async ({ query }) => {
        const page = pageOf(query, auditPage);
        const longerThanHours = numberOrRefuse('open_longer_than', query.open_longer_than ?? '24');
        const filter = { longerThanHours, at: countedTo(query) };
        const { cut, total, rows, at: until } = runs.openRuns(filter, page, asOfOf(query.as_of));
        return shownRows(cut, total, page, { at: until, runs: rows });
      },
    );

    app.get(
      '/api/audit/terms',
      {
        schema: {
          summary: 'How often the fast filter hit a term, and how often a model then found nothing wrong',
          querystring: onlyPage,
          response: answering({ 200: auditRows('terms', z.looseObject({})) }),
        },
      },
      async ({ query }) => {
        const page = pageOf(query, auditPage);
        const { cut, terms } = countTerms(decisions.open(asOfOf(query.as_of)));
        const shown = terms.slice(page.offset, page.offset + page.limit);
        return shownRows(cut, terms.length, page, { terms: shown });
      },
    );

    app.get(
      '/api/audit/inputs',
      {
        schema: {
          summary: 'Texts that got different verdicts, told apart by their commitments',
          querystring: z.strictObject({
            ...common,
            role: decisionRecord.shape.checked.shape.role.optional().describe('user_input by default'),
          }),
          response: answering({
            200: auditRows(
              'texts',
              z.object({ role: z.string(), commitment: z.string(), decisions: z.array(decisionAnswer) }),
            ),
          }),
        },
      },
      async ({ query }) => {
        const page = pageOf(query, auditPage);
        const opened = decisions.open(asOfOf(query.as_of));
        const { cut, total, texts } = differingTexts(opened, query.role ?? 'user_input', page);
        const shown = texts.map((text) => ({ ...text, decisions: text.decisions.map(shownDecision) }));
        return shownRows(cut, total, page, { texts: shown });
      },
    );

    app.get(
      '/api/audit/reviews',
      {
        schema: {
          summary: 'What people said of decisions: overrides, appeals, marks',
          querystring: z.strictObject({
            ...common,
            judgement: z.string().optional(),
            actor: z.string().optional().describe('HMAC of who reviewed'),
            open: z.enum(['true', 'false']).optional().describe('true: asks for an answer and has none'),
            older_than: hours('made longer ago'),
            at,
          }),
          response: answering({ 200: auditRows('reviews', reviewAnswer, { at: z.string().nullable() }) }),
        },
      },
      async ({ query }) => {
        const page = pageOf(query, auditPage);
        const { judgement, actor, open, older_than } = query;
        const filter = {
          judgement,
          actor,
          open: open === undefined ? undefined : open === 'true',
          olderThanHours: older_than === undefined ? undefined : numberOrRefuse('older_than', older_than),
          at: countedTo(query),
        };
        const found = findReviews(decisions.open(asOfOf(query.as_of)), filter, page);
        const reviews = found.reviews.map(({ row, decisionSeq }) => shownReview(row, decisionSeq));
        return shownRows(found.cut, found.total, page, { at: found.at, reviews });
      },
    );

    app.get(
      '/api/audit/gaps',
      {
        schema: {
          summary: 'What recorders say that they dropped or delayed',
          querystring: onlyPage,
          response: answering({ 200: auditRows('gaps', z.looseObject({})) }),
        },
      },
      async ({ query }) => {
        const page = pageOf(query, auditPage);
        const { cut, total, rows } = runs.gaps(page, asOfOf(query.as_of));
        return shownRows(cut, total, page, { gaps: rows.map(withoutNumber) });
      },
    );

    app.get(
      '/api/audit/clock',
      {
        schema: {
          summary: 'Events of a run whose times contradict each other',
          querystring: z.strictObject({ ...common, anomaly: z.enum(clockAnomalies).optional() }),
          response: answering({ 200: auditRows('anomalies', z.looseObject({})) }),
        },
      },
      async ({ query }) => {
        const page = pageOf(query, auditPage);
        const { cut, total, rows } = runs.clock(query.anomaly, page, asOfOf(query.as_of));
        return shownRows(cut, total, page, { anomalies: rows.map(withoutNumber) });
      },
    );

    app.get(
      '/api/audit/exports',
      {
        schema: {
          summary: 'Exports of many runs: when, by whom, with which digest',
          querystring: onlyPage,
          response: answering({ 200: auditRows('exports', z.looseObject({})) }),
        },
      },
      async ({ query }) => {
        const page = pageOf(query, auditPage);
        const { cut, total, rows } = runs.exports(page, asOfOf(query.as_of));
        const shown = rows.map((row) => ({ ...withoutNumber(row), events: row.events.map(withoutNumber) }));
        return shownRows(cut, total, page, { exports: shown });
      },
    );

    app.post(
      '/api/audit/subjects',
      {
        schema: {
          summary: 'Runs that concern a person, and what remains of them',
          querystring: onlyPage,
          body: z.strictObject({
            user_id: z.string().min(1).optional().describe('in the body: no address holds a name'),
            subject: keyedDigest.optional().describe('or the HMAC of it'),
          }),
          response: answering({ 200: auditRows('runs', z.looseObject({}), { subject: z.string() }) }),
        },
      },
      async ({ query, body }) => {
        const page = pageOf(query, auditPage);
        const { user_id } = body;
        const subject = user_id === undefined ? body.subject : audit.subjectOf(user_id);
        if (subject === undefined || (user_id !== undefined && body.subject !== undefined)) {
          const what = 'The body names no person, or two';
          throw new LedgerError('INVALID_REQUEST', { what, cure: 'send either user_id or subject' });
        }
        const { cut, total, rows } = runs.ofSubject(subject, page, asOfOf(query.as_of));
        return shownRows(cut, total, page, { subject, runs: rows });
      },
    );

    app.get(
      '/api/audit/in-force',
      {
        schema: {
          summary: 'Which policies were published, and by which policies and models decisions were made',
          querystring: z.strictObject({
            ...asOfMember,
            run: z.string().optional().describe('of this run only'),
          }),
          response: answering({ 200: z.looseObject({}) }),
        },
      },
      async ({ query }) => {
        const asOf = asOfOf(query.as_of);
        const { cut, policies } = runs.policies(asOf);
        const used = inUse(decisions.open(asOf), query.run);
        const published = policies.map(withoutNumber);
        if (query.run === undefined) return { ...shownCut(cut), policies: published, used };
        const run = runs.pinned(query.run, asOf);
        if (run === undefined) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: query.run });
        const { pinned, started } = run;
        return { ...shownCut(cut), run: { execution_id: query.run, started, ...pinned }, used };
      },
    );
  };

function shownRows(
  cut: Cut,
  total: number,
  page: { readonly limit: number; readonly offset: number },
  more: Readonly<Record<string, unknown>>,
): object {
  const rows = Object.values(more).findLast((value) => Array.isArray(value)) as readonly unknown[];
  return { ...shownCut(cut), total, ...page, returned: rows.length, ...more };
}

/** Numbers are the read model's own; a position or a sequence number tells the place. */
function withoutNumber<Row extends { readonly number: number }>({
  number: _number,
  ...row
}: Row): Omit<Row, 'number'> {
  return row;
}
