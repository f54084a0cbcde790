import type { FastifyBaseLogger } from 'fastify';

const checkEveryMs = 15 * 60_000;

/** Looks from time to time for exports whose time is up. Closing waits for the look that is under way. */
export function watchExpiry(
  expireDue: () => Promise<void>,
  log: FastifyBaseLogger,
): { readonly close: () => Promise<void> } {
  let looking: Promise<void> = Promise.resolve();
  const look = (): void => {
    looking = looking.then(expireDue).catch((error: unknown) => {
      log.warn({ err: error }, 'exports whose time is up could not be removed, and are tried again');
    });
  };
  const timer = setInterval(look, checkEveryMs).unref();
  return {
    close: async () => {
      clearInterval(timer);
      await looking;
    },
  };
}
