import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Server, ServerCredentials } from '@grpc/grpc-js';

export type Tls = { readonly key: Buffer; readonly cert: Buffer };

/** The port of a server and the connections to it, which we hold ourselves so that they can be broken. */
export type Listener = {
  readonly port: number;
  /** Destroys one connection, by the name of its other end. */
  readonly cut: (peer: string) => void;
  readonly cutAll: () => void;
  /** Says that a call of this connection was cancelled by its client. */
  readonly noteCancelled: (peer: string) => void;
  /** No further connection; those that are open stay. */
  readonly close: () => Promise<void>;
};

export const host = '127.0.0.1';

/**
 * Node's HTTP/2 gives a connection up, with an internal error, after about 1,000 cancelled calls in quick succession; a
 * real server does not. So the client is asked in time, and politely, to open another one; its open calls go on.
 */
const maxCancelled = 500;
const longestDelayMs = 2 ** 31 - 1;

type Connection = {
  readonly socket: Socket;
  readonly injector: ReturnType<Server['createConnectionInjector']>;
  cancelled: number;
};

/** In the next turn: Node's HTTP/2 aborts the process where a connection goes while its own bytes are being read. */
function destroyLater(socket: Socket | undefined): void {
  setImmediate(() => socket?.destroy());
}

/** Takes connections on `port` (0: any that is free) for a gRPC server. */
export async function listen(grpc: Server, port: number, tls: Tls | null): Promise<Listener> {
  const credentials =
    tls === null
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.cert }]);
  const connections = new Map<string, Connection>();
  const server = createServer({ noDelay: true }, (socket) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const injector = grpc.createConnectionInjector(credentials);
    connections.set(peer, { socket, injector, cancelled: 0 });
    socket.once('close', () => {
      connections.delete(peer);
      injector.destroy();
    });
    injector.injectConnection(socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut: (peer) => destroyLater(connections.get(peer)?.socket),
    cutAll: () => {
      for (const { socket } of connections.values()) destroyLater(socket);
    },
    noteCancelled: (peer) => {
      const connection = connections.get(peer);
      if (connection === undefined) return;
      connection.cancelled += 1;
      if (connection.cancelled === maxCancelled) connection.injector.drain(longestDelayMs);
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      // The server counts as open while it has connections; whoever wants them gone says cutAll.
      if (connections.size === 0) await closed;
    },
  };
}
