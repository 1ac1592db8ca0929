import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/index.ts';
import { encodeFrame, FrameReader } from './frames.ts';
import type { Heartbeat } from './messages.ts';

/** How long a side waits for a word of the other, and how often it says one itself. */
export interface ChannelTimes {
  readonly silentMs: number;
  readonly beatMs: number;
}

/** The end of a node is noticed within this time, although nothing of it says goodbye. */
export const usualTimes: ChannelTimes = { silentMs: 20_000, beatMs: 5_000 };

/** One side of the connection between the launcher and a node: messages, and a heartbeat in both directions. */
export class Channel<Sent extends { readonly type: string }, Received> implements Disposable {
  /** Resolves with words for a person when it is over, whoever ended it. */
  readonly closed: Promise<string>;
  readonly #socket: Duplex;
  readonly #read: (message: Record<string, unknown>) => Received;
  readonly #beat: NodeJS.Timeout;
  readonly #silence: NodeJS.Timeout;
  readonly #frames = new FrameReader();
  readonly #early: Received[] = [];
  #take: ((message: Received) => void) | undefined;
  #why: string | undefined;

  /** @param read checks the shape of what comes */
  constructor(socket: Duplex, read: (message: Record<string, unknown>) => Received, times = usualTimes) {
    this.#socket = socket;
    this.#read = read;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.closed = promise;
    let last = performance.now();
    this.#beat = setInterval(() => {
      const now = performance.now();
      // A batch system may have suspended the job: it was this side that did not listen.
      if (now - last > times.beatMs + times.silentMs / 2) this.#silence.refresh();
      last = now;
      this.#write({ type: 'heartbeat' });
    }, times.beatMs);
    this.#silence = setTimeout(() => {
      this.#fail(`nothing was heard from there for ${times.silentMs / 1000} s`);
    }, times.silentMs);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => {
      this.#why ??= `the connection broke (${messageOf(error)})`;
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearInterval(this.#beat);
      clearTimeout(this.#silence);
      resolve(this.#why ?? 'the connection was closed');
    });
  }

  send(message: Sent): void {
    this.#write(message);
  }

  /** From now on `take` gets what comes, first what came before. */
  deliverTo(take: (message: Received) => void): void {
    this.#take = take;
    for (const message of this.#early.splice(0)) take(message);
  }

  /** At once, and what was not sent yet is lost. */
  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #write(message: Sent | Heartbeat): void {
    if (this.#socket.writable) this.#socket.write(encodeFrame(message));
  }

  #receive(chunk: Buffer): void {
    this.#silence.refresh();
    try {
      for (const message of this.#frames.read(chunk)) {
        if (message.type === 'heartbeat') continue;
        const read = this.#read(message);
        if (this.#take === undefined) this.#early.push(read);
        else this.#take(read);
      }
    } catch (error) {
      this.#fail(messageOf(error));
    }
  }

  #fail(why: string): void {
    this.#why ??= why;
    this.#socket.destroy();
  }
}
