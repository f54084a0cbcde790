import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { isLedgerError, LedgerError } from '../errors.ts';
import type { Position } from '../event-store/port.ts';
import { preferredWait } from './prefer.ts';
import { behindHeader, positionHeader, type Service, shownBehind } from './service.ts';

const minimumHeader = 'runledger-min-position';
const defaultWaitSeconds = 2;
const maxWaitSeconds = 30;
/** So long the store may take to say where its log ends, also for a read that does not want to wait. */
const leastHeadSeconds = 1;
/** Reads that wait at the same time; a further one is answered at once, by what the read models have. */
const maxWaiting = 256;

/**
 * Lets every read say how far the read models are, and wait until they are far enough: a position that it names must be
 * reached (READ_MODELS_BEHIND), `Prefer: wait` alone is a wish. Throws FOREIGN_POSITION too.
 */
export function tellReadPosition(app: FastifyInstance, service: Service): void {
  const { readModels } = service;
  const stopping = new AbortController();
  let waiting = 0;
  app.addHook('preClose', async () => stopping.abort());

  const settled = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const minimum = request.headers[minimumHeader];
    const preferred = preferredWait(request.headers['prefer']);
    if (minimum === undefined && preferred === undefined) return;
    const seconds =
      waiting < maxWaiting ? Math.min(preferred?.seconds ?? defaultWaitSeconds, maxWaitSeconds) : 0;
    const isApplied = preferred !== undefined && (waiting < maxWaiting || preferred.seconds === 0);
    const within = (limitSeconds: number): AbortSignal =>
      AbortSignal.any([request.signal, stopping.signal, AbortSignal.timeout(limitSeconds * 1_000)]);
    const end = within(seconds);
    waiting += 1;
    try {
      const position =
        minimum === undefined
          ? await headBefore(within(Math.max(seconds, leastHeadSeconds)), request, service)
          : String(minimum);
      if (position === undefined) return;
      if (isApplied) void reply.header('preference-applied', `wait=${seconds}`);
      if (position === null) return;
      const { reached, behind } = await readModels.waitFor(position, maxWaitSeconds * 1_000, end);
      request.signal.throwIfAborted();
      if (reached || minimum === undefined) return;
      const shown = shownBehind(behind);
      void reply.header(behindHeader, shown);
      throw new LedgerError('READ_MODELS_BEHIND', { position, seconds, behind: shown });
    } finally {
      waiting -= 1;
    }
  };

  app.addHook('preHandler', async (request, reply) => {
    if (!isRead(request.method, request.routeOptions.url)) return;
    try {
      await settled(request, reply);
    } finally {
      // Before the handler reads: what it answers has at least this.
      const { position, behind } = readModels.reached();
      if (position !== null) void reply.header(positionHeader, position);
      if (behind.length > 0) void reply.header(behindHeader, shownBehind(behind));
    }
  });
}

const isOfRuns = (url = ''): boolean => url.startsWith('/api/') && !url.startsWith('/api/media');

/** Media are named by their digest: there is nothing that they could be behind. */
const isRead = (method: string, url: string | undefined): boolean =>
  (method === 'GET' || method === 'HEAD') && isOfRuns(url);

/** The end of the log; undefined where the store does not tell it in time: a wish must not fail a read. */
async function headBefore(
  end: AbortSignal,
  request: FastifyRequest,
  service: Service,
): Promise<Position | null | undefined> {
  const ended = new Promise<undefined>((resolve) => {
    end.addEventListener('abort', () => resolve(undefined), { once: true });
    if (end.aborted) resolve(undefined);
  });
  try {
    const head = await Promise.race([service.head(), ended]);
    if (typeof head === 'string') service.readModels.heardOf(head);
    return head;
  } catch (error) {
    if (!isLedgerError(error, 'UNAVAILABLE') && !isLedgerError(error, 'TIMEOUT')) throw error;
    request.log.warn({ err: error }, 'the end of the log is not known, so nobody waits for it');
    return undefined;
  }
}

const text = (description: string) => ({ type: 'string', description });

const askedHeaders = {
  type: 'object',
  properties: {
    [minimumHeader]: text('answer only once the read models have this position; 503 where they do not'),
    prefer: text(
      `wait=SECONDS, at most ${maxWaitSeconds} (${defaultWaitSeconds}): for that position, or for the end of the log`,
    ),
  },
};

const answerHeaders = {
  [positionHeader]: text(
    'of a write: where it stands in the log; of a read: what the read models have at least',
  ),
  [behindHeader]: text('read models that lag, and by how many events at least: run-list;events=12'),
};

/** What these headers are, for /openapi.json; the rest of a route's schema as it is. */
export const transformWithPositions: typeof jsonSchemaTransform = (route) => {
  const shown = jsonSchemaTransform(route);
  const { response } = shown.schema;
  if (!isOfRuns(shown.url)) return shown;
  const asked = route.route.method === 'GET' ? { headers: askedHeaders } : {};
  const answered = Object.entries((response ?? {}) as Readonly<Record<string, object>>).map(
    ([status, schema]) => [status, status === 'default' ? schema : { ...schema, headers: answerHeaders }],
  );
  return { ...shown, schema: { ...shown.schema, ...asked, response: Object.fromEntries(answered) } };
};
