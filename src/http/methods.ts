import type { FastifyInstance, HTTPMethods } from 'fastify';
import { LedgerError } from '../errors.ts';

const methods: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * Answers 405 with `Allow` where an address exists and the method does not. Watches the routes as they are added;
 * `seal` adds the refusals once all are there.
 */
export function refuseOtherMethods(app: FastifyInstance): { readonly seal: () => void } {
  const known = new Map<string, Set<string>>();
  let sealed = false;
  app.addHook('onRoute', ({ url, method }) => {
    if (sealed || url.startsWith('/docs')) return;
    const there = known.get(url) ?? new Set();
    for (const name of [method].flat()) there.add(name);
    known.set(url, there);
  });
  return {
    seal: () => {
      sealed = true;
      for (const [url, there] of known) {
        const allowed = [...there].sort().join(', ');
        app.route({
          url,
          method: methods.filter((method) => !there.has(method)),
          schema: { hide: true },
          // Before any body is parsed: what is refused by its method needs no reading.
          onRequest: async (request, reply) => {
            void reply.header('allow', allowed);
            throw new LedgerError('METHOD_NOT_ALLOWED', { method: request.method, allowed });
          },
          handler: async () => undefined,
        });
      }
    },
  };
}
