import type { FastifyInstance } from 'fastify';
import { LedgerError } from '../errors.ts';

/**
 * Makes closing end: a client that keeps its connection after the answer it waited for would hold the server open until
 * its keep-alive runs out. What is in flight is answered and ends its connection; what comes later is refused.
 */
export function endConnectionsOnClose(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onRequest', async () => {
    if (!closing) return;
    const what = 'The service is stopping and takes no new request';
    throw new LedgerError('UNAVAILABLE', { what, cure: 'send it again once the service has started' });
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) void reply.header('connection', 'close');
  });
  app.addHook('onResponse', async () => {
    // An answer whose head was sent before: its connection is idle a turn later.
    if (closing) setImmediate(() => app.server.closeIdleConnections());
  });
}
