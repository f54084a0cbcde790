import { EventStoreDBClient } from '@eventstore/db-client';
import { CallTimedOut, finalFailure, leaderNamedBy } from './client-failure.ts';

type Channel = Awaited<ReturnType<EventStoreDBClient['getChannel']>>;

/** One client in use, and whoever uses it. */
type Line = {
  readonly client: EventStoreDBClient;
  channel: Channel | undefined;
  uses: number;
  isRetired: boolean;
};

/** A client for one call. */
type Use = {
  readonly client: EventStoreDBClient;
  /** The next call gets another client; this one goes when nobody uses it any more. */
  readonly retire: () => void;
  /** Once, with the failure if there was one. */
  readonly release: (failure?: unknown) => void;
};

/** The way to a server for one purpose. Whatever breaks on it is answered by a new client at the next call. */
export type Connection = {
  /** Runs one call; `callMs` bounds it from outside, since a search for the cluster knows no deadline of its own. */
  readonly call: <T>(
    what: string,
    callMs: number,
    work: (client: EventStoreDBClient) => Promise<T>,
  ) => Promise<T>;
  /** For calls that stay open. */
  readonly open: () => Use;
  /** No call may be under way any more. */
  readonly close: () => void;
};

/** Does the client take the string, and has it the files that it names? Throws what it says of them. */
export function tryConnectionString(connectionString: string): void {
  EventStoreDBClient.connectionString(connectionString);
}

export function createConnection(
  connectionString: string,
  ofNode: (host: string, port: number) => string,
): Connection {
  let line: Line | undefined;
  let next = connectionString;

  const current = (): Line => {
    line ??= createLine(next);
    next = connectionString;
    return line;
  };
  const retire = (retired: Line): void => {
    retired.isRetired = true;
    if (line === retired) line = undefined;
    closeUnused(retired);
  };
  const open = () => {
    const used = current();
    used.uses += 1;
    return {
      client: used.client,
      retire: () => retire(used),
      release: (failure?: unknown) => {
        used.uses -= 1;
        if (failure !== undefined && finalFailure(failure, '') === undefined) {
          // A leader that is not reachable is asked for once only: after that, the way that was configured.
          const leader = leaderNamedBy(failure);
          if (leader !== undefined && line === used) next = ofNode(leader.host, leader.port);
          retire(used);
        } else closeUnused(used);
      },
    };
  };
  return {
    open,
    call: async (what, callMs, work) => {
      const { client, retire: giveUp, release } = open();
      const working = work(client);
      // Not when the caller stops waiting: work that goes on must not find its channel closed.
      working.then(() => release(), release);
      try {
        return await inTime(working, what, callMs);
      } catch (error) {
        if (error instanceof CallTimedOut) giveUp();
        throw error;
      }
    },
    close: () => {
      if (line === undefined) return;
      retire(line);
    },
  };
}

function createLine(connectionString: string): Line {
  const client = EventStoreDBClient.connectionString(connectionString);
  const line: Line = { client, channel: undefined, uses: 0, isRetired: false };
  // The client closes its channel under the calls of others when one fails, and a call that meets the closed channel neither
  // ends nor throws where it could be caught. Here a channel is closed when nobody uses it any more.
  client['handleError'] = () => Promise.resolve();
  const create = client['createChannel'];
  client['createChannel'] = async () => {
    line.channel = await create();
    closeUnused(line);
    return line.channel;
  };
  return line;
}

function closeUnused(line: Line): void {
  if (!line.isRetired || line.uses > 0) return;
  line.channel?.close();
  line.channel = undefined;
}

/** The call itself goes on where it cannot be cancelled; its late end is nobody's. */
export async function inTime<T>(work: Promise<T>, what: string, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CallTimedOut(what, ms)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
