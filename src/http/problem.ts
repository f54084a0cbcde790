import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { errorTable } from '../error-table.ts';
import { LedgerError, type PointedDetail } from '../errors.ts';

export const problemType = 'application/problem+json';

/** Members of a refusal that old clients read beside the problem's own; only what is no secret and no path. */
const shownParams = [
  'execution_id',
  'export_id',
  'replay_id',
  'expired_at',
  'format',
  'supported_formats',
  'available_now',
  'actual',
  'expected',
  'rule',
  'current_status',
];

type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly error: string;
  readonly errors: readonly PointedDetail[];
  readonly [extension: string]: unknown;
};

/** An operating error as an RFC 9457 document; `error` repeats the title for clients that know only that. */
export function problemOf(
  error: LedgerError,
  path: string,
  extensions: Readonly<Record<string, unknown>> = {},
): Problem {
  const params: Record<string, unknown> = { ...error.params };
  const shown = Object.fromEntries(
    shownParams.filter((key) => params[key] !== undefined).map((key) => [key, params[key]]),
  );
  const { title } = errorTable[error.code];
  return {
    type: `urn:runledger:error:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title,
    status: error.status,
    detail: error.message,
    instance: path,
    error: title,
    errors: error.errors,
    ...shown,
    ...extensions,
  };
}

/** Sends a refusal. Never a stack, never a path of this machine. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: LedgerError,
  extensions: Readonly<Record<string, unknown>> = {},
): FastifyReply {
  if (error.retryable) void reply.header('retry-after', '1');
  const path = request.originalUrl.split('?', 1)[0] ?? '';
  // Not reply.send(object): a route's response schema must not reshape a problem.
  const text = JSON.stringify(problemOf(error, path, extensions));
  return reply.code(error.status).type(problemType).serializer(String).send(text);
}

/** The one error handler of the service. What is in no table is a defect: logged with its stack, answered without. */
export function handleError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = error instanceof LedgerError ? error : fromFramework(error, request);
  if (known) {
    if (known.status >= 500) request.log.warn({ err: known, code: known.code }, 'refused');
    return sendProblem(request, reply, known);
  }
  // The answer then reaches nobody.
  if (isOfLeaving(error, request)) request.log.debug({ err: error }, 'the client went away');
  else request.log.error({ err: error }, 'internal error');
  return sendProblem(request, reply, new LedgerError('INTERNAL', { requestId: request.id }));
}

/** Did work end because its client went away? A defect that merely came to light afterwards is none the less one. */
const isOfLeaving = (error: Error, request: FastifyRequest): boolean =>
  error.name === 'AbortError' && request.signal.aborted;

function fromFramework(error: FastifyError | Error, request: FastifyRequest): LedgerError | undefined {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const where = error.validationContext ?? 'body';
    const errors = error.validation.map((issue) => ({
      pointer: where === 'body' ? issue.instancePath : `${where}${issue.instancePath}`,
      detail: issue.message ?? 'is not valid',
    }));
    const [first] = errors;
    const what = `The ${where === 'querystring' ? 'query' : where} is not valid${first ? ` at "${first.pointer}" – ${first.detail}` : ''}`;
    return new LedgerError(
      'INVALID_REQUEST',
      { what, cure: 'see errors, and /openapi.json for the shape' },
      { errors },
    );
  }
  const { code, statusCode } = error as Partial<FastifyError>;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new LedgerError('BODY_TOO_LARGE', { limitBytes: request.routeOptions.bodyLimit ?? 0 });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_CONTENT_TYPE':
      return new LedgerError('UNSUPPORTED_MEDIA_TYPE', {
        given: request.headers['content-type'] ?? '',
        accepted: 'application/json',
      });
    default:
      break;
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new LedgerError('INVALID_REQUEST', {
      what: error.message,
      cure: 'mend the request and send it again',
    });
  }
  return undefined;
}
