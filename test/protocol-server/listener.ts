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
  /** No further connection; those that are open stay. */
  readonly close: () => Promise<void>;
};

export const host = '127.0.0.1';

/** Takes connections on `port` (0: any that is free) for a gRPC server. */
export async function listen(grpc: Server, port: number, tls: Tls | null): Promise<Listener> {
  const credentials =
    tls === null
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.cert }]);
  const injector = grpc.createConnectionInjector(credentials);
  const sockets = new Map<string, Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    sockets.set(peer, socket);
    socket.once('close', () => sockets.delete(peer));
    injector.injectConnection(socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut: (peer) => sockets.get(peer)?.destroy(),
    cutAll: () => {
      for (const socket of sockets.values()) socket.destroy();
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      // The server counts as open while it has connections; whoever wants them gone says cutAll.
      if (sockets.size === 0) await closed;
    },
  };
}
