import type { TLSSocket } from 'node:tls';
import { deriveKey, type LinkKey, type LinkListener, listenForPeers } from '../link/index.ts';

/** What the keys of a job's trunks are made from. */
export interface TrunkSecret {
  /** Of the job; all its nodes know it, and nobody else. */
  readonly secret: string;
  /** What tells this run of this job from all others: batch system, job id, attempt. */
  readonly scope: readonly string[];
}

const LABEL = 'vtorque trunk 1';

/** What node `from` proves itself by to node `to`, and the other way round. Pure. */
export function trunkKey({ secret, scope }: TrunkSecret, from: number, to: number): LinkKey {
  return { identity: `trunk ${from} ${to}`, key: deriveKey(secret, LABEL, [...scope, from, to]) };
}

/** Where this node waits for others that have frames for it. Disposing of it ends all connections. */
export interface TrunkListener extends Omit<LinkListener, 'dismiss'> {
  /** From now on `take` gets the connections, first those that came before. */
  deliverTo(take: (node: number, socket: TLSSocket) => void): void;
}

/**
 * Wait for the other nodes of a job, on a port that the kernel chooses: before it is known which VMs there will be.
 * @param host address to listen on; undefined for all
 * @param here number of this node
 */
export async function listenForTrunks(
  secret: TrunkSecret,
  { host, here }: { readonly host: string | undefined; readonly here: number },
): Promise<TrunkListener> {
  const early: [number, TLSSocket][] = [];
  let take = (node: number, socket: TLSSocket): void => {
    early.push([node, socket]);
  };
  const nodeOf = (identity: string): number | undefined => {
    const [, from = '', to = ''] = /^trunk (\d{1,9}) (\d{1,9})$/.exec(identity) ?? [];
    return from !== '' && Number(to) === here && Number(from) !== here ? Number(from) : undefined;
  };
  const listener = await listenForPeers({
    host,
    keyOf: (identity) => {
      const from = nodeOf(identity);
      return from === undefined ? undefined : trunkKey(secret, from, here).key;
    },
    onConnection: (socket, identity) => {
      const from = nodeOf(identity);
      if (from === undefined) socket.destroy();
      else {
        // It may be given up before anybody takes it.
        socket.on('error', () => {});
        take(from, socket);
      }
    },
  });
  return {
    port: listener.port,
    deliverTo: (taker) => {
      take = taker;
      for (const [node, socket] of early.splice(0)) if (!socket.destroyed) taker(node, socket);
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}
