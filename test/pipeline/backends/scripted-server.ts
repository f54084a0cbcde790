import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it came. */
export type Received = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The text as JSON; undefined where it is none. */
  readonly body: unknown;
  /** How it ended: the answer was sent whole, or the client went away before. */
  readonly ended: Promise<'answered' | 'left'>;
};

/** An answer that is written as it stands. */
export type PlainAnswer = {
  readonly status: number;
  readonly body: string;
  /** `application/json` where it is not given. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** What an answer does with its client. */
export type Turn = {
  readonly response: ServerResponse;
  /** Writes each piece by itself and waits until it is out; stops once the client has left. */
  readonly write: (pieces: Iterable<string | Uint8Array>) => Promise<void>;
  readonly plain: (answer: PlainAnswer) => void;
  /** Waits until the test calls `release`, or the client leaves. */
  readonly hold: () => Promise<void>;
  /** Breaks the connection without an end. */
  readonly cut: () => void;
};

/** A small HTTP server on a free port of 127.0.0.1 whose calls go wrong in the order of a script. */
export type ScriptedServer<Fault> = {
  readonly url: string;
  /** Every request, in the order in which it came. */
  readonly requests: readonly Received[];
  /** Faults of the calls to come, one each; a call beyond the script goes well. */
  readonly script: (...faults: readonly (Fault | 'none')[]) => void;
  /** Resolves once a call is held, with its request. */
  readonly held: () => Promise<Received>;
  /** Lets every held call go on. */
  readonly release: () => void;
  readonly close: () => Promise<void>;
};

type Answer<Fault> = (request: Received, turn: Turn, nextFault: () => Fault | 'none') => Promise<void> | void;

/** `answer` writes the answer to one request; a call that takes part in the script asks `nextFault` once. */
export async function startScripted<Fault>(answer: Answer<Fault>): Promise<ScriptedServer<Fault>> {
  const requests: Received[] = [];
  const faults: (Fault | 'none')[] = [];
  const holding = new Map<Received, () => void>();
  const watchers: ((request: Received) => void)[] = [];

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const ended = new Promise<'answered' | 'left'>((resolve) => {
      response.once('close', () => resolve(response.writableFinished ? 'answered' : 'left'));
    });
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece as Buffer);
    const text = Buffer.concat(pieces).toString('utf8');
    const request: Received = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      text,
      body: jsonOf(text),
      ended,
    };
    requests.push(request);
    const hold = async (): Promise<void> => {
      const released = new Promise<void>((go) => {
        holding.set(request, go);
      });
      for (const watcher of watchers.splice(0)) watcher(request);
      await Promise.race([released, ended]);
      holding.delete(request);
    };
    await answer(request, turnOf(response, hold), () => faults.shift() ?? 'none');
  };
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: Error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    script: (...more) => {
      faults.push(...more);
    },
    held: () => {
      const [first] = holding.keys();
      return first ? Promise.resolve(first) : new Promise((resolve) => watchers.push(resolve));
    },
    release: () => {
      for (const go of holding.values()) go();
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function turnOf(response: ServerResponse, hold: () => Promise<void>): Turn {
  return {
    response,
    hold,
    cut: () => response.destroy(),
    plain: ({ status, body, type = 'application/json', headers = {} }) => {
      response.writeHead(status, { 'content-type': type, ...headers }).end(body);
    },
    write: async (pieces) => {
      for (const piece of pieces) {
        if (response.destroyed) return;
        await new Promise<void>((resolve) => {
          response.write(piece, () => resolve());
        });
      }
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
