import type { Config } from '../config.ts';
import { isLedgerError, LedgerError } from '../errors.ts';
import { readServiceAddress } from '../service/address.ts';

export type Answer = { readonly status: number; readonly text: string };

/** An answer whose body is read as it comes. */
export type Download = {
  readonly status: number;
  /** Undefined where the answer has none; names are in lower case. */
  readonly header: (name: string) => string | undefined;
  /** Once. Throws UNAVAILABLE where the service breaks off, and ends when the signal of the download aborts. */
  readonly body: AsyncIterable<Uint8Array>;
};

/** Speaks to the ledger over its own HTTP surface, wherever that is. */
export type Client = {
  readonly request: (method: 'GET' | 'POST', path: string, body?: string) => Promise<Answer>;
  readonly download: (path: string, signal: AbortSignal) => Promise<Download>;
  readonly close: () => Promise<void>;
};

/** A service that has not said within this time that it lives is called unreachable; a request may then take longer. */
const answersWithinMs = 5_000;

/**
 * The running service of this data directory; where none runs, the same routes inside this process, on the data
 * directory itself. Throws LOCKED where another process holds the directory without serving it, and UNAVAILABLE where
 * its service does not answer.
 */
export async function openClient(
  config: Config,
  openHere: (config: Config) => Promise<Client>,
): Promise<Client> {
  try {
    return await openHere(config);
  } catch (error) {
    if (!isLedgerError(error, 'LOCKED')) throw error;
    const address = await readServiceAddress(config.dataDirectory, error.params.pid);
    if (address === undefined) throw error;
    await ask(address.url, '/health/live', { signal: AbortSignal.timeout(answersWithinMs) });
    return remoteClient(address.url);
  }
}

function remoteClient(base: string): Client {
  return {
    request: (method, path, body) =>
      ask(base, path, {
        method,
        ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
      }),
    download: async (path, signal) => {
      const answer = await reach(base, path, { signal });
      return {
        status: answer.status,
        header: (name) => answer.headers.get(name) ?? undefined,
        body: chunksOf(base, answer),
      };
    },
    close: async () => undefined,
  };
}

async function ask(base: string, path: string, init: RequestInit): Promise<Answer> {
  const answer = await reach(base, path, init);
  try {
    return { status: answer.status, text: await answer.text() };
  } catch (cause) {
    throw unreachable(base, cause);
  }
}

async function reach(base: string, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(new URL(path, base), init);
  } catch (cause) {
    throw unreachable(base, cause);
  }
}

async function* chunksOf(base: string, { body }: Response): AsyncGenerator<Uint8Array> {
  try {
    yield* body ?? [];
  } catch (cause) {
    throw unreachable(base, cause);
  }
}

function unreachable(base: string, cause: unknown): LedgerError {
  const what = `The service at ${base} does not answer`;
  const cure = 'see whether it is still starting or stopping, then try again';
  return new LedgerError('UNAVAILABLE', { what, cure }, { cause });
}
