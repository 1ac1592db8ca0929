import { constants } from 'node:os';

/** What batch systems send to a job; the others either cannot be caught or mean something to this process itself. */
const forwarded = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT'] as const;
/** Sent before the script runs, these end the job, as they would have ended the script's shell. */
const ending: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

/** The job was ended by a signal before its script ran. */
export class Cancelled extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
    this.signal = signal;
  }

  /** As a shell reports a program that this signal ended. */
  get exitCode(): number {
    return 128 + constants.signals[this.signal];
  }
}

/** Takes the signals that the batch system sends to the job, from the first moment on. */
export class JobSignals implements Disposable {
  readonly #cancel = new AbortController();
  readonly #end = new AbortController();
  readonly #early: NodeJS.Signals[] = [];
  #deliver: ((signal: NodeJS.Signals) => void) | undefined;
  #before: (() => Promise<unknown>) | undefined;

  constructor() {
    for (const signal of forwarded) process.on(signal, this.#receive);
  }

  /** Aborted, with a `Cancelled` as reason, by a signal that ends a job whose script does not run yet. */
  get cancelled(): AbortSignal {
    return this.#cancel.signal;
  }

  /** Aborted by the first signal that is meant to end the job, whatever runs of it. */
  get ending(): AbortSignal {
    return this.#end.signal;
  }

  /** From now on signals go to the script; those that came early are delivered first. */
  forwardTo(deliver: (signal: NodeJS.Signals) => void): void {
    this.#deliver = deliver;
    for (const signal of this.#early.splice(0)) deliver(signal);
  }

  /** Before the first TERM that the script gets, this is done to its end, however that is. */
  precedeTermBy(work: () => Promise<unknown>): void {
    this.#before = work;
  }

  [Symbol.dispose](): void {
    for (const signal of forwarded) process.off(signal, this.#receive);
  }

  readonly #receive = (signal: NodeJS.Signals): void => {
    if (ending.includes(signal)) this.#end.abort(new Cancelled(signal));
    if (this.#deliver !== undefined) this.#pass(signal, this.#deliver);
    else {
      // Kept also when it cancels: the script may be just about to start, and must then get it.
      this.#early.push(signal);
      if (ending.includes(signal)) this.#cancel.abort(new Cancelled(signal));
    }
  };

  #pass(signal: NodeJS.Signals, deliver: (signal: NodeJS.Signals) => void): void {
    const before = this.#before;
    if (signal !== 'SIGTERM' || before === undefined) {
      deliver(signal);
      return;
    }
    this.#before = undefined;
    const done = (): void => deliver(signal);
    before().then(done, done);
  }
}
