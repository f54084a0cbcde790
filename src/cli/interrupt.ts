import { exitCodes } from './exit-codes.ts';
import { complain } from './output.ts';

/**
 * Does work that Ctrl-C, or a system that ends, breaks off by the signal, so that it clears up first. A second one ends
 * the process at once.
 */
export async function interruptibly(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    return await work(interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    complain('runledger: interrupted; what had not come whole was thrown away');
    return exitCodes.interrupted;
  } finally {
    process.removeListener('SIGINT', interrupt);
    process.removeListener('SIGTERM', interrupt);
  }
}
