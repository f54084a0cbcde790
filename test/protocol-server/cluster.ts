import { type Chaos, type ChaosOptions, startChaos } from './chaos.ts';
import type { Member } from './cluster-view.ts';
import type { Faults } from './faults.ts';
import { host } from './listener.ts';
import { type Calls, createNode, type Node, type NodeSettings, type Role } from './node.ts';
import { openStore } from './store.ts';

export type ClusterOptions = NodeSettings & {
  readonly directory: string;
  /** How many; default 3. The first is the leader. */
  readonly nodes?: number;
};

export type ClusterNode = {
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  readonly calls: Calls;
  readonly openCalls: () => number;
};

export type ProtocolCluster = {
  /** Names all nodes: a client with it asks around for the leader. */
  readonly url: string;
  readonly nodes: readonly ClusterNode[];
  /** Null while there is none. */
  readonly leader: () => number | null;
  /** Destroys the node's connections and closes its port. Where it was the leader, there is none until `elect`. */
  readonly kill: (index: number) => Promise<void>;
  /** The node comes back, as a follower. */
  readonly restart: (index: number) => Promise<void>;
  /** Makes a node the leader; null: none is, and no append is taken until one is. */
  readonly elect: (index: number | null) => void;
  /** Lets calls go wrong, and the leader die or change, at random. */
  readonly chaos: (options: ChaosOptions) => Chaos;
  readonly stop: () => Promise<void>;
};

/** Several protocol servers in one process over one log: whatever is acknowledged is at once on all of them. */
export async function startProtocolCluster({
  directory,
  nodes: count = 3,
  ...settings
}: ClusterOptions): Promise<ProtocolCluster> {
  const store = await openStore(directory);
  let leader: number | null = 0;
  const nodes: Node[] = [];
  const roleOf = (index: number): Role => {
    const node = leader === null ? undefined : nodes[leader];
    if (node === undefined) return { kind: 'electing' };
    return leader === index ? { kind: 'leader' } : { kind: 'follower', leader: { host, port: node.port() } };
  };
  const states = { leader: 'leader', follower: 'follower', electing: 'unknown' } as const;
  const members = () =>
    nodes.map(
      (node, index): Member => ({
        host,
        port: node.port(),
        state: states[roleOf(index).kind],
        isAlive: node.isUp(),
      }),
    );
  for (let index = 0; index < count; index += 1) {
    nodes.push(createNode({ ...settings, port: 0, store: () => store, role: () => roleOf(index), members }));
  }
  for (const node of nodes) await node.start();

  const at = (index: number): Node => {
    const node = nodes[index];
    if (node === undefined) throw new Error(`The cluster has no node ${index}`);
    return node;
  };
  const elect = (index: number | null) => {
    if (index !== null && !at(index).isUp()) throw new Error(`Node ${index} is down: it cannot lead`);
    leader = index;
  };
  const kill = async (index: number) => {
    if (leader === index) leader = null;
    await at(index).kill();
  };
  const restart = async (index: number) => {
    await kill(index);
    await at(index).start();
  };
  const loseLeader = async () => {
    const lost = leader ?? 0;
    await kill(lost);
    elect((lost + 1) % count);
    await restart(lost);
  };
  const changeLeader = async () => elect(((leader ?? 0) + 1) % count);
  const hosts = nodes.map((node) => `${host}:${node.port()}`);
  const query = `?tls=${settings.tls !== undefined}`;
  return {
    url: `esdb://${hosts.join(',')}${query}`,
    nodes: nodes.map(({ port, faults, calls, openCalls }) => ({
      url: `esdb://${host}:${port()}${query}`,
      port: port(),
      faults,
      calls,
      openCalls,
    })),
    leader: () => leader,
    kill,
    restart,
    elect,
    chaos: (options) =>
      startChaos(
        nodes.map(({ chaos }) => ({ choose: chaos, upheavals: { loseLeader, changeLeader } })),
        options,
      ),
    stop: async () => {
      for (const node of nodes) await node.stop();
      await store.close();
    },
  };
}
