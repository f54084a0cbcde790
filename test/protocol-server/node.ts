import { setImmediate as turn } from 'node:timers/promises';
import { type Metadata, Server, type UntypedHandleCall } from '@grpc/grpc-js';
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { createAppend } from './append.ts';
import { createReception } from './call.ts';
import { createGossip, type Member } from './cluster-view.ts';
import { createFaults, type Faults, type Method } from './faults.ts';
import { createFeatures } from './features.ts';
import { type Listener, listen, type Tls } from './listener.ts';
import { createRead } from './read.ts';
import { type Endpoint, refusals } from './refusal.ts';
import type { Store } from './store.ts';

/** What a node is at the moment; electing: there is no leader that it knows of. */
export type Role =
  | { readonly kind: 'leader' }
  | { readonly kind: 'follower'; readonly leader: Endpoint }
  | { readonly kind: 'electing' };

/** What a node was asked, since it was made; a restart does not forget it. */
export type Calls = {
  readonly count: (method: Method | 'batchAppend') => number;
  /** The headers of the last append. */
  readonly lastAppend: () => {
    /** Over TLS only: without it the client keeps them to itself. */
    readonly hadCredentials: boolean;
    readonly requiredLeader: boolean;
    readonly connectionName: string | null;
  } | null;
};

export type NodeSettings = {
  readonly tls?: Tls;
  /** Name to password. Where there are any, every call needs one of them. */
  readonly users?: Readonly<Record<string, string>>;
  /** What the server says that it is; default 24.10.0. */
  readonly version?: string;
  /** Servers before 23.10 do not; default true. */
  readonly sendsCaughtUp?: boolean;
};

type Options = NodeSettings & {
  readonly port: number;
  /** The open store; asked at each call. */
  readonly store: () => Store;
  readonly role: () => Role;
  readonly members: () => readonly Member[];
};

/** One server process, as it were: a port with the methods behind it. The store is somebody else's. */
export type Node = {
  readonly port: () => number;
  readonly faults: Faults;
  readonly chaos: ReturnType<typeof createFaults>['choose'];
  readonly calls: Calls;
  readonly openCalls: () => number;
  readonly whenIdle: () => Promise<void>;
  readonly sentEvents: () => number;
  readonly isUp: () => boolean;
  readonly start: () => Promise<void>;
  /** Destroys every connection at once; nobody is answered. Resolves when no call is left. */
  readonly kill: () => Promise<void>;
  /** Answers every open call UNAVAILABLE and closes. */
  readonly stop: () => Promise<void>;
  /** Destroys every connection and goes on listening. */
  readonly cutAll: () => void;
};

export function createNode(options: Options): Node {
  const { version = '24.10.0', sendsCaughtUp = true } = options;
  const faults = createFaults();
  const counts = new Map<Method | 'batchAppend', number>();
  let sentEvents = 0;
  let lastAppend: Metadata | null = null;
  let port = options.port;
  let up: { readonly grpc: Server; readonly listener: Listener } | null = null;

  const note = (method: Method | 'batchAppend', headers: Metadata) => {
    counts.set(method, (counts.get(method) ?? 0) + 1);
    if (method === 'append') lastAppend = headers;
  };

  const reception = createReception({
    claim: (method, headers) => {
      note(method, headers);
      return faults.claim(method, requiresLeader(headers));
    },
    admit: (method, headers) => {
      if (options.users !== undefined && !isKnown(headers, options.users)) throw refusals.unauthenticated();
      if (method === 'append') admitAppend(options.role(), headers);
    },
    cut: (peer) => up?.listener.cut(peer),
    onCancelled: (peer) => up?.listener.noteCancelled(peer),
  });

  const start = async () => {
    const grpc = new Server({ 'grpc.max_receive_message_length': -1 });
    const { store, members } = options;
    const refuse: UntypedHandleCall = (wire: {
      metadata: Metadata;
      emit: (event: 'error', error: Error) => void;
    }) => {
      note('batchAppend', wire.metadata);
      wire.emit('error', refusals.beyond('batch append: pass credentials with each append'));
    };
    const { append, batchAppend, read } = streamsGrpc.StreamsService;
    // Events are in their bytes already.
    const rawRead = { ...read, responseSerialize: (bytes: Buffer) => bytes };
    grpc.addService(
      { append, batchAppend, read: rawRead },
      {
        append: createAppend({ reception, store }),
        read: createRead({ reception, store, sendsCaughtUp, onEvent: () => (sentEvents += 1) }),
        batchAppend: refuse,
      },
    );
    grpc.addService(gossipGrpc.GossipService, { read: createGossip(reception, members) });
    grpc.addService(featuresGrpc.ServerFeaturesService, {
      getSupportedMethods: createFeatures(reception, version),
    });
    const listener = await listen(grpc, port, options.tls ?? null);
    port = listener.port;
    up = { grpc, listener };
  };

  const shut = async (polite: boolean) => {
    if (up === null) return;
    const { grpc, listener } = up;
    up = null;
    const closed = listener.close();
    if (!polite) listener.cutAll();
    await reception.dismiss();
    if (polite) await new Promise<void>((resolve) => grpc.tryShutdown(() => resolve()));
    listener.cutAll();
    // When the connections are gone (listener.ts): this may have been called out of one of them.
    await turn();
    grpc.forceShutdown();
    await closed;
  };

  return {
    port: () => port,
    faults,
    chaos: faults.choose,
    calls: { count: (method) => counts.get(method) ?? 0, lastAppend: () => lastAppend && seen(lastAppend) },
    openCalls: reception.openCalls,
    whenIdle: reception.whenIdle,
    sentEvents: () => sentEvents,
    isUp: () => up !== null,
    start,
    kill: () => shut(false),
    stop: () => shut(true),
    cutAll: () => up?.listener.cutAll(),
  };
}

/** Without `requires-leader` a follower passes an append on; with it, it says who the leader is. */
function admitAppend(role: Role, headers: Metadata): void {
  if (role.kind === 'electing') throw refusals.notReady();
  if (role.kind === 'follower' && requiresLeader(headers)) throw refusals.notLeader(role.leader);
}

function requiresLeader(headers: Metadata): boolean {
  return headers.get('requires-leader')[0]?.toString() === 'true';
}

function isKnown(headers: Metadata, users: Readonly<Record<string, string>>): boolean {
  const [, encoded = ''] = /^Basic (.+)$/.exec(headers.get('authorization')[0]?.toString() ?? '') ?? [];
  const [, name = '', password = ''] =
    /^([^:]+):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  return Object.hasOwn(users, name) && users[name] === password;
}

function seen(headers: Metadata) {
  return {
    hadCredentials: headers.get('authorization').length > 0,
    requiredLeader: requiresLeader(headers),
    connectionName: headers.get('connection-name')[0]?.toString() ?? null,
  };
}
