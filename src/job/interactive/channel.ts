import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { type FromJob, lineFromJob, type ToJob, UserReader } from './lines.ts';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** The launcher's side of the connection with vsub, over its own terminal. */
export class UserChannel {
  /** Aborted when the terminal is gone. */
  readonly hungUp: AbortSignal;
  #size: TerminalSize = { columns: 80, rows: 24 };
  /** As the user's terminal needs it, which is raw once the shell runs. */
  #lineEnd = '\n';
  #take: ((message: ToJob) => void) | undefined;
  readonly #early: ToJob[] = [];
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #token: string;

  constructor(token: string, input: Readable, output: Writable) {
    this.#token = token;
    this.#input = input;
    this.#output = output;
    const gone = new AbortController();
    this.hungUp = gone.signal;
    const reader = new UserReader();
    input.on('data', (chunk: Buffer) => {
      for (const message of reader.read(chunk)) this.#receive(message);
    });
    // A terminal that hangs up is an error for who reads from it or writes to it.
    for (const event of ['end', 'error', 'close']) input.on(event, () => gone.abort());
    output.on('error', () => gone.abort());
  }

  /** Of the user's terminal, as far as it is known. */
  get size(): TerminalSize {
    return this.#size;
  }

  /** @returns false when the terminal wants no more for now */
  say(message: FromJob): boolean {
    if (message.kind === 'begin') this.#lineEnd = '\r\n';
    return this.#output.write(lineFromJob(this.#token, message));
  }

  /** Wait until `say` may go on, or the terminal is gone. */
  async drained(): Promise<void> {
    // With the signal, whose listener goes with each wait: long output waits very often.
    await once(this.#output, 'drain', { signal: this.hungUp }).catch((error: unknown) => {
      if (!this.hungUp.aborted) throw error;
    });
  }

  /** Text for the user, beside what his shell writes. */
  print(text: string): void {
    this.say({ kind: 'output', bytes: Buffer.from(text.replaceAll('\n', this.#lineEnd)) });
  }

  /** From now on `take` gets what comes, first what came before. */
  deliverTo(take: (message: ToJob) => void): void {
    this.#take = take;
    for (const message of this.#early.splice(0)) take(message);
  }

  /** Read nothing more until `taken`: who types faster than his program reads has to wait. */
  holdUntil(taken: Promise<unknown>): void {
    this.#input.pause();
    const goOn = (): void => void this.#input.resume();
    taken.then(goOn, goOn);
  }

  #receive(message: ToJob): void {
    if (message.kind === 'size') this.#size = message;
    if (this.#take === undefined) this.#early.push(message);
    else this.#take(message);
  }
}
