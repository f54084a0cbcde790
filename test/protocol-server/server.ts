import { type Chaos, type ChaosOptions, startChaos } from './chaos.ts';
import { host } from './listener.ts';
import { type Calls, createNode, type NodeSettings } from './node.ts';
import type { Faults } from './faults.ts';
import type { Endpoint } from './refusal.ts';
import { openStore, type Store } from './store.ts';

export type ServerOptions = NodeSettings & {
  /** Of the log; made where there is none. */
  readonly directory: string;
  /** Default 0: any free one, which the server then keeps. */
  readonly port?: number;
  /** Who the leader is, where this server is none. */
  readonly leader?: Endpoint;
};

export type ProtocolServer = {
  /** For a client: `esdb://127.0.0.1:PORT?tls=false`. */
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  readonly calls: Calls;
  /** Calls that wait for an answer or for more events. */
  readonly openCalls: () => number;
  /** Resolves when there are none. */
  readonly whenIdle: () => Promise<void>;
  /** Events that were given to the wire, by reads and subscriptions. */
  readonly sentEvents: () => number;
  /** Answers open calls UNAVAILABLE and lets go of the port and the directory. */
  readonly stop: () => Promise<void>;
  /** Destroys all connections at once without an answer, as a killed process does, and lets go of everything. */
  readonly kill: () => Promise<void>;
  /** Starts again on the same port and directory; kills it first where it runs. */
  readonly restart: () => Promise<void>;
  /** Lets calls go wrong, cuts connections and restarts at random. */
  readonly chaos: (options: ChaosOptions) => Chaos;
};

/**
 * An in-process server that speaks the wire format of EventStoreDB over our embedded log. It is a test double: it has
 * the methods and the manners that the adapter relies on, and no others.
 */
export async function startProtocolServer({
  directory,
  port = 0,
  leader,
  ...settings
}: ServerOptions): Promise<ProtocolServer> {
  let store: Store | null = null;
  const node = createNode({
    ...settings,
    port,
    store: () => {
      if (store === null) throw new Error('The store of a stopped server');
      return store;
    },
    role: () => (leader === undefined ? { kind: 'leader' } : { kind: 'follower', leader }),
    members: () => [
      { host, port: node.port(), state: leader === undefined ? 'leader' : 'follower', isAlive: true },
      ...(leader === undefined ? [] : [{ ...leader, state: 'leader' as const, isAlive: true }]),
    ],
  });
  const start = async () => {
    store = await openStore(directory);
    await node.start();
  };
  const closeStore = async () => {
    const closing = store;
    store = null;
    await closing?.close();
  };
  const kill = async () => {
    await node.kill();
    await closeStore();
  };
  const restart = async () => {
    await kill();
    await start();
  };
  await start();
  return {
    url: `esdb://${host}:${node.port()}?tls=${settings.tls !== undefined}`,
    port: node.port(),
    faults: node.faults,
    calls: node.calls,
    openCalls: node.openCalls,
    whenIdle: node.whenIdle,
    sentEvents: node.sentEvents,
    kill,
    stop: async () => {
      await node.stop();
      await closeStore();
    },
    restart,
    chaos: (chaosOptions) => {
      const cut = async () => node.cutAll();
      return startChaos([{ choose: node.chaos, upheavals: { restart, cut } }], chaosOptions);
    },
  };
}
