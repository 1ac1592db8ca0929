import { constants } from 'node:os';

/** What batch systems send to a job; the others either cannot be caught or mean something to this process itself. */
export const signalsOfJobs = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
] as const;
/** Whether a job ends by it before its script runs, as the script's shell would have. */
export function endsJob(signal: NodeJS.Signals): boolean {
  return ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'].includes(signal);
}

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
  #preceding: Promise<unknown> | undefined;

  constructor() {
    for (const signal of signalsOfJobs) process.on(signal, this.#receive);
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

  /** Before any TERM that the script gets, this is done once, and to its end, however that is. */
  precedeTermBy(work: () => Promise<unknown>): void {
    this.#before = work;
  }

  [Symbol.dispose](): void {
    for (const signal of signalsOfJobs) process.off(signal, this.#receive);
  }

  readonly #receive = (signal: NodeJS.Signals): void => {
    if (endsJob(signal)) this.#end.abort(new Cancelled(signal));
    if (this.#deliver !== undefined) this.#pass(signal, this.#deliver);
    else {
      // Kept also when it cancels: the script may be just about to start, and must then get it.
      this.#early.push(signal);
      if (endsJob(signal)) this.#cancel.abort(new Cancelled(signal));
    }
  };

  #pass(signal: NodeJS.Signals, deliver: (signal: NodeJS.Signals) => void): void {
    if (signal !== 'SIGTERM' || this.#before === undefined) {
      deliver(signal);
      return;
    }
    // Another one that comes meanwhile, as of a second qdel, waits as well.
    this.#preceding ??= this.#before();
    const done = (): void => deliver(signal);
    this.#preceding.then(done, done);
  }
}
