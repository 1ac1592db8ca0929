import { constants, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { keyBytes } from './keys.ts';
import { linkTls } from './tls.ts';

export interface LinkListener extends AsyncDisposable {
  readonly port: number;
  /** End all connections, and from now on each as soon as it has proved itself: who comes late learns that it is over, not that nobody is there. */
  dismiss(): void;
}

export interface ListenOptions {
  /** Address to listen on; undefined for all. */
  readonly host: string | undefined;
  /** The key that an identity stands for; undefined for one that nobody may use, or not again. */
  readonly keyOf: (identity: string) => Buffer | undefined;
  /** A node has proved itself. It gets each connection in the order in which they did. */
  readonly onConnection: (socket: TLSSocket, identity: string) => void;
  /** Who connects and does not prove himself is sent away after this time, in milliseconds. */
  readonly handshakeMs?: number;
}

const HANDSHAKE_MS = 30_000;
/** All nodes of a large job connect in the same moment; the kernel may allow fewer. */
const BACKLOG = 4096;

/** Wait for other nodes of a job, on a port that the kernel chooses. Disposing of it ends all connections. */
export async function listenForPeers({
  host,
  keyOf,
  onConnection,
  handshakeMs = HANDSHAKE_MS,
}: ListenOptions): Promise<LinkListener> {
  let dismissed = false;
  const sockets = new Set<{ destroy(): unknown; once(event: 'close', listener: () => void): unknown }>();
  const identities = new WeakMap<TLSSocket, string>();
  const proved = new Set<TLSSocket>();
  const server = createServer({
    ...linkTls,
    handshakeTimeout: handshakeMs,
    secureOptions: constants.SSL_OP_NO_TICKET,
    pskCallback: (socket, identity) => {
      identities.set(socket, identity);
      // A key that nobody has, instead of none: a stranger does not learn which identities there are.
      return keyOf(identity) ?? randomBytes(keyBytes);
    },
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('secureConnection', (socket) => {
    const identity = identities.get(socket);
    // Each connection is proved by the key itself, none by an earlier one.
    if (identity === undefined) socket.destroy();
    // Not at once: the last word of the handshake is on its way.
    else if (dismissed) socket.end();
    else {
      proved.add(socket);
      socket.once('close', () => proved.delete(socket));
      onConnection(socket, identity);
    }
  });
  // Whoever that was, he is no node of the job. Node.js itself leaves open what says nothing (24.21).
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.listen({ port: 0, backlog: BACKLOG, ...(host === undefined ? {} : { host }) });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    dismiss: () => {
      dismissed = true;
      for (const socket of proved) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
