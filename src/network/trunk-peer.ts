import type { TLSSocket } from 'node:tls';
import { VtorqueError } from '../base/index.ts';
import { connectToPeer } from '../link/index.ts';
import { Patience } from './patience.ts';
import { FrameCutter } from './trunk-frame.ts';
import { type TrunkSecret, trunkKey } from './trunk-listener.ts';

/** Another node of the job that has VMs. */
export interface PeerNode {
  /** Its number in the job. */
  readonly node: number;
  readonly ranks: readonly number[];
  /** Where it waits for trunks: names or addresses, the likeliest first. */
  readonly hosts: readonly string[];
  readonly port: number;
}

export interface TrunkPeerOptions {
  readonly peer: PeerNode;
  readonly here: number;
  readonly secret: TrunkSecret;
  /** A frame from there; false when there should come no more for now. */
  readonly accept: (pieces: readonly [Buffer, ...Buffer[]]) => boolean;
  readonly lost: (error: VtorqueError) => void;
  readonly times?: TrunkTimes | undefined;
}

/** Milliseconds. */
export interface TrunkTimes {
  /** After an attempt to connect that failed, until the next. */
  readonly againMs: number;
  /** While a node is needed and not reached, until the job fails: its guests would wait for each other for good. */
  readonly giveUpMs: number;
}

const usual: TrunkTimes = { againMs: 500, giveUpMs: 60_000 };

/** What is not sent yet; what comes when there is more is dropped, as a network does that is too slow. */
const MOST_WAITING = 2 * 1024 ** 2;
/** Both sides may have begun at the same time; a third one is there because one of them is dead. */
const MOST_CONNECTIONS = 2;

/** The way to one other node: nothing until there is a frame for it, or one of its own. */
export class TrunkPeer implements Disposable {
  readonly #options: TrunkPeerOptions;
  readonly #over = new AbortController();
  /** The oldest first, which is the one that is written to. */
  readonly #sockets: TLSSocket[] = [];
  readonly #corked = new Set<TLSSocket>();
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #connecting = false;
  #notBefore = 0;
  #needed = false;
  readonly #patience: Patience;

  constructor(options: TrunkPeerOptions) {
    this.#options = options;
    this.#patience = new Patience((options.times ?? usual).giveUpMs);
  }

  /**
   * Send a frame, or drop it. Several may be sent before `flush`.
   * @param needed it is for this node alone
   */
  send(pieces: readonly Buffer[], needed: boolean): void {
    const [socket] = this.#sockets;
    if (socket === undefined) {
      this.#needed ||= needed;
      this.#keep(pieces);
      void this.#connect();
      return;
    }
    if (socket.writableLength > MOST_WAITING) return;
    if (!this.#corked.has(socket)) {
      socket.cork();
      this.#corked.add(socket);
    }
    for (const piece of pieces) socket.write(piece);
  }

  flush(): void {
    for (const socket of this.#corked) socket.uncork();
    this.#corked.clear();
  }

  /** The other side has connected, and proved itself. */
  accept(socket: TLSSocket): void {
    this.#use(socket);
    if (this.#sockets.length > MOST_CONNECTIONS) this.#sockets.shift()?.destroy();
  }

  /** What came may go on. */
  resume(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  [Symbol.dispose](): void {
    this.#over.abort(new Error('the network is over'));
    for (const socket of this.#sockets.splice(0)) socket.destroy();
  }

  #use(socket: TLSSocket): void {
    const cutter = new FrameCutter();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    this.#sockets.push(socket);
    this.#patience.worked();
    this.#needed = false;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#corked.delete(socket);
      const at = this.#sockets.indexOf(socket);
      if (at >= 0) this.#sockets.splice(at, 1);
    });
    socket.on('end', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const pieces of cutter.cut(chunk)) if (!this.#options.accept(pieces)) socket.pause();
      } catch {
        // Whoever speaks like that is of another version, and what follows has no beginning.
        socket.destroy();
      }
    });
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (waiting.length > 0) this.send(waiting, true);
    this.flush();
  }

  #keep(pieces: readonly Buffer[]): void {
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    if (this.#waitingBytes + bytes > MOST_WAITING) return;
    this.#waiting.push(...pieces);
    this.#waitingBytes += bytes;
  }

  async #connect(): Promise<void> {
    const { peer, here, secret, times = usual } = this.#options;
    const { signal } = this.#over;
    if (this.#connecting || signal.aborted || performance.now() < this.#notBefore) return;
    this.#connecting = true;
    let answers: readonly string[] = [];
    const unreachable = (each: readonly string[]): Error => {
      answers = each;
      return new Error('unreachable');
    };
    try {
      const socket = await connectToPeer(peer, trunkKey(secret, here, peer.node), unreachable, signal);
      if (signal.aborted) socket.destroy();
      else this.#use(socket);
    } catch {
      const now = performance.now();
      this.#notBefore = now + times.againMs;
      if (this.#patience.failed(now, this.#needed)) this.#options.lost(unreachableNode(peer, times, answers));
      this.#needed = false;
      // What waited is as old as the attempt.
      this.#waiting = [];
      this.#waitingBytes = 0;
    } finally {
      this.#connecting = false;
    }
  }
}

function unreachableNode({ node, port }: PeerNode, { giveUpMs }: TrunkTimes, details: readonly string[]): VtorqueError {
  return new VtorqueError(
    'E_NETWORK_TRUNK',
    `Cannot connect the networks of the job's nodes: node ${node} was not reached at port ${port} for ${giveUpMs / 1000} s`,
    {
      hint: "The nodes of a job must reach each other by TCP, at ports of the kernel's choice",
      phase: 'network',
      details,
    },
  );
}
