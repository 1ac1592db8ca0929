import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { VtorqueError } from '../base/index.ts';
import { type ForwardTable, forward, mayEnter } from './forward.ts';
import { FrameCutter, headOf } from './trunk-frame.ts';
import type { TrunkListener, TrunkSecret } from './trunk-listener.ts';
import { type PeerNode, TrunkPeer, type TrunkTimes } from './trunk-peer.ts';

export interface TrunkOptions {
  /** Frames that come out of this node's bridge, and those that go into it. */
  readonly tap: Duplex;
  readonly table: ForwardTable;
  readonly peers: readonly PeerNode[];
  readonly listener: TrunkListener;
  readonly secret: TrunkSecret;
  readonly times?: TrunkTimes;
}

/** What joins a job's bridges of several nodes. Disposing of it ends its connections. */
export interface Trunk extends Disposable {
  /** Resolves when a node cannot be reached for which there are frames. */
  readonly lost: Promise<VtorqueError>;
}

/** More than this is not kept for the bridge: then the senders wait. */
const MOST_FOR_TAP = 4 * 1024 ** 2;

/** Carry frames between this node's bridge and the other nodes. No connection is made before there is a frame for it. */
export function startTrunk({ tap, table, peers, listener, secret, times }: TrunkOptions): Trunk {
  const { promise: lost, resolve } = Promise.withResolvers<VtorqueError>();
  const enter = (pieces: readonly Buffer[]): boolean => {
    writeAll(tap, pieces);
    return tap.writableLength < MOST_FOR_TAP;
  };
  const nodes = new Map(
    peers.map((peer) => {
      const accept = (pieces: readonly [Buffer, ...Buffer[]]): boolean =>
        !mayEnter(headOf(pieces), peer.node, table) || enter(pieces);
      return [peer.node, new TrunkPeer({ peer, here: table.here, secret, accept, lost: resolve, times })];
    }),
  );
  const cutter = new FrameCutter();
  tap.on('data', (chunk: Buffer) => {
    const written = new Set<TrunkPeer>();
    const send = (node: TrunkPeer, pieces: readonly Buffer[], needed: boolean): void => {
      written.add(node);
      node.send(pieces, needed);
    };
    for (const pieces of cutter.cut(chunk)) {
      const decision = forward(headOf(pieces), table);
      const node = decision.to === 'node' ? nodes.get(decision.node) : undefined;
      if (node !== undefined) send(node, pieces, true);
      else if (decision.to === 'all') for (const each of nodes.values()) send(each, pieces, false);
      else if (decision.to === 'asker') tap.write(decision.answer);
    }
    for (const node of written) node.flush();
  });
  tap.on('drain', () => {
    for (const node of nodes.values()) node.resume();
  });
  listener.deliverTo((node: number, socket: TLSSocket) => {
    const peer = nodes.get(node);
    if (peer === undefined) socket.destroy();
    else peer.accept(socket);
  });
  return {
    lost,
    [Symbol.dispose]: () => {
      for (const node of nodes.values()) node[Symbol.dispose]();
    },
  };
}

function writeAll(socket: Duplex, pieces: readonly Buffer[]): void {
  if (pieces.length > 1) socket.cork();
  for (const piece of pieces) socket.write(piece);
  if (pieces.length > 1) socket.uncork();
}
