import {
  AccessDeniedError,
  DeadlineExceededError,
  MaxAppendSizeExceededError,
  NotLeaderError,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { LedgerError } from '../../errors.ts';
import { maxAppendBytes } from '../port.ts';

/** A call that did not come to an end in its time, whoever was to blame. */
export class CallTimedOut extends Error {
  constructor(what: string, ms: number) {
    super(`${what} took longer than ${ms} ms`);
    this.name = 'CallTimedOut';
  }
}

/** The node that another one calls the leader; undefined for any other failure. */
export function leaderNamedBy(error: unknown): { readonly host: string; readonly port: number } | undefined {
  if (!(error instanceof NotLeaderError)) return undefined;
  return { host: error.leader.address, port: error.leader.port };
}

export const isTimeout = (error: unknown): boolean =>
  error instanceof CallTimedOut || error instanceof DeadlineExceededError;

/**
 * What the server answered for good, in the port's words; undefined for what another try may mend: no server, no leader, no
 * answer, and whatever else the client cannot name.
 */
export function finalFailure(error: unknown, stream: string): Error | undefined {
  if (error instanceof LedgerError || error instanceof WrongExpectedVersionError) return error;
  if (error instanceof StreamNotFoundError) return new LedgerError('STREAM_NOT_FOUND', { stream });
  if (error instanceof AccessDeniedError)
    return new LedgerError('STORE_REFUSED', { what: `The call for ${stream}` }, { cause: error });
  if (error instanceof MaxAppendSizeExceededError) {
    const sizes = {
      sizeBytes: error.maxAppendSize + 1,
      limitBytes: Math.min(error.maxAppendSize, maxAppendBytes),
    };
    return new LedgerError('TOO_LARGE', sizes, { cause: error });
  }
  if (error instanceof StreamDeletedError) {
    const what = 'its stream was deleted on the server';
    return new LedgerError('CORRUPT_EVENT', { stream, sequence: 'unknown', what }, { cause: error });
  }
  return undefined;
}
