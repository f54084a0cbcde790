import { BackendError } from './backend-error.ts';

/**
 * Does work that may take `timeoutMs` in all. Its signal is aborted with the caller's, or when the time is over; once it
 * is, this rejects with that reason, which is TIMEOUT in the second case, whatever the work rejected with.
 */
export async function within<T>(
  { what, timeoutMs }: { readonly what: string; readonly timeoutMs: number },
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new BackendError('TIMEOUT', { what, timeoutMs }));
  }, timeoutMs);
  const ended = AbortSignal.any([signal, late.signal]);
  try {
    return await work(ended);
  } catch (error) {
    ended.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
