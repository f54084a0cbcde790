import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { annotationJudgement, overriddenTo, reviewRole } from '../events/review.ts';
import { LedgerError } from '../errors.ts';
import { answering, reviewed } from './answers.ts';
import { idempotencyHeaders, idempotent } from './idempotency.ts';
import { versionIn } from './preconditions.ts';
import type { ReviewRequest } from './review-contract.ts';
import { type Service, settle } from './service.ts';

export const decisionParams = z.strictObject({ id: z.string(), seq: z.string() });

const reviewer = z
  .strictObject({ id: z.string().min(1).max(200), role: reviewRole })
  .describe('the id is stored as an HMAC only; nobody checks the role yet, and the record says so');
const reason = z.string().trim().min(1).max(4_000);
const answers = z.uuid().optional().describe('the id of the appeal that this answers');

const overrideBody = z.strictObject({ reviewer, reason, to: overriddenTo, answers });
const annotationBody = z.strictObject({ reviewer, reason, judgement: annotationJudgement, answers });

/** What people say of a safety decision: events beside it, never a change of it. */
export const reviewRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/api/runs/:id/decisions/:seq/override',
      {
        schema: {
          summary: 'Record that a person lets stand what a check refused, or takes back what it let pass',
          params: decisionParams,
          headers: idempotencyHeaders,
          body: overrideBody,
          response: answering({ 201: reviewed }),
        },
      },
      (request, reply) =>
        recordReview(service, request, reply, { ...request.body, judgement: 'override' }, request.params),
    );

    app.post(
      '/api/runs/:id/decisions/:seq/annotations',
      {
        schema: {
          summary: 'Record what a person thinks of a decision, or an objection of whom it concerns',
          params: decisionParams,
          headers: idempotencyHeaders,
          body: annotationBody,
          response: answering({ 201: reviewed }),
        },
      },
      (request, reply) => recordReview(service, request, reply, request.body, request.params),
    );
  };

type Asked = Omit<ReviewRequest, 'executionId' | 'seq' | 'expectedVersion' | 'idempotencyKey'>;

async function recordReview(
  service: Service,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
  params: z.infer<typeof decisionParams>,
): Promise<FastifyReply> {
  const { id: executionId } = params;
  const once = idempotent(request.headers, 'review', asked);
  const recorded = await service.reviews.record(
    {
      ...asked,
      executionId,
      seq: seqIn(params),
      expectedVersion: versionIn(request.headers['if-match']),
      idempotencyKey: once?.key,
    },
    request.signal,
  );
  await settle(service, reply, recorded.position);
  const { id, sequenceNumber, version, decision, stands } = recorded;
  const answer: z.infer<typeof reviewed> = {
    execution_id: executionId,
    id,
    sequence_number: sequenceNumber,
    version,
    decision: { id: decision.id, sequence_number: decision.sequenceNumber },
    judgement: asked.judgement,
    stands,
  };
  return reply.code(201).header('etag', `"${version}"`).send(answer);
}

/** The decision that an address names. Throws DECISION_NOT_FOUND for what is no sequence number. */
export function seqIn({ id, seq }: z.infer<typeof decisionParams>): number {
  if (/^[1-9]\d{0,8}$/.test(seq)) return Number(seq);
  throw new LedgerError('DECISION_NOT_FOUND', { execution_id: id, seq });
}
