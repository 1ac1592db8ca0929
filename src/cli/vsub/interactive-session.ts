import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { isatty } from 'node:tty';
import { type Env, VtorqueError } from '../../base/index.ts';
import type { InteractiveCommand } from '../../engine/index.ts';
import { type FromJob, JobReader, lineToJob, type ToJob } from '../../job/interactive/lines.ts';
import { type Started, start } from '../../process/index.ts';
import { makeRaw, type RawTerminal } from '../terminal/raw-terminal.ts';
import { terminalSize } from '../terminal/size.ts';

export interface SessionOptions {
  readonly submitting: InteractiveCommand;
  /** Have the batch system delete the job. */
  readonly cancel: (id: string) => Promise<void>;
  /** The caller's. */
  readonly env: Env;
  readonly token: string;
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** How long the batch system has to end the job once it was asked to. */
const GRACE_MS = 5000;

/** One interactive job: qsub on one side, the user's terminal on the other. */
export class InteractiveSession {
  readonly #options: SessionOptions;
  readonly #reader: JobReader;
  #qsub: Started | undefined;
  #raw: RawTerminal | undefined;
  #code: number | undefined;
  #endedBy: NodeJS.Signals | undefined;
  #id: string | undefined;
  #cancelled: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#reader = new JobReader(options.token);
  }

  /**
   * @returns the exit code of the shell; qsub's own where it refuses the job; 128 + n when signal n ended the session
   * @throws VtorqueError `E_SHELL_UNKNOWN`
   */
  async run(): Promise<number> {
    const { submitting, env } = this.#options;
    for (const signal of ENDING) process.on(signal, this.#end);
    // In a session of its own, so that Ctrl-C before the shell is there reaches us alone. It dies with us, and the job
    // with it: without qsub a job has no terminal.
    const child = start(submitting.command, {
      ...{ tie: 'bound', apart: true, env: submitting.env ?? env },
      stdio: ['pipe', 'pipe', submitting.inWords === undefined ? 'inherit' : 'pipe'],
    });
    this.#qsub = child;
    const words = this.#readErrors(child);
    child.pipe(0).on('error', () => {});
    try {
      for await (const chunk of child.pipe(1)) {
        for (const message of this.#reader.read(chunk as Buffer)) await this.#take(message);
      }
      await this.#print(this.#reader.rest());
      const { code, signal } = await child.closed;
      await words;
      // Nothing holds the job any more, and nothing else might tell the batch system.
      if (signal !== null) this.#cancel();
      return this.#outcome(code ?? 128 + constants.signals[signal ?? 'SIGKILL']);
    } finally {
      await this.#cancelled;
      await this.#restore();
      for (const signal of ENDING) process.off(signal, this.#end);
      process.stdin.destroy();
    }
  }

  #outcome(qsubCode: number): number {
    if (this.#code !== undefined) return this.#code;
    if (this.#endedBy !== undefined) return 128 + constants.signals[this.#endedBy];
    if (qsubCode !== 0) return qsubCode;
    throw new VtorqueError('E_SHELL_UNKNOWN', `Cannot tell how the shell ended: job ${this.#id} ended before it`, {
      hint: 'Deleted, or over its walltime? "qstat -f" shows what the batch system knows of the job',
      phase: 'script',
    });
  }

  async #take(message: FromJob | { readonly kind: 'text'; readonly bytes: Buffer }): Promise<void> {
    switch (message.kind) {
      case 'text':
        return this.#tell(message.bytes);
      case 'output':
        return this.#print(message.bytes);
      case 'hello':
        this.#tellSize();
        process.stdout.on('resize', this.#tellSize);
        return;
      case 'begin':
        return this.#begin();
      case 'exit':
        // What became of a shell that we have ended is no news.
        if (this.#endedBy === undefined) this.#code = message.code;
        return this.#restore();
    }
  }

  /** What the batch system says to the user. */
  async #tell(text: Buffer): Promise<void> {
    this.#id ??= /qsub: waiting for job (\S+) to start/.exec(text.toString())?.[1];
    return this.#print(text);
  }

  async #readErrors(qsub: Started): Promise<void> {
    const { inWords } = this.#options.submitting;
    if (inWords === undefined) return;
    for await (const line of createInterface({ input: qsub.pipe(2) })) {
      const { to, text } = inWords(line);
      const bytes = Buffer.from(this.#raw === undefined ? text : text.replaceAll('\n', '\r\n'));
      if (to === 'stdout') await this.#tell(bytes);
      else process.stderr.write(bytes);
    }
  }

  async #begin(): Promise<void> {
    const { stdin } = process;
    if (isatty(0)) this.#raw = await makeRaw(0);
    stdin.on('error', () => {});
    stdin.on('end', () => this.#say({ kind: 'end' }));
    stdin.on('data', (bytes: Buffer) => {
      if (this.#say({ kind: 'input', bytes })) return;
      stdin.pause();
      this.#qsub?.pipe(0).once('drain', () => stdin.resume());
    });
  }

  /** The user's terminal is his own again. */
  async #restore(): Promise<void> {
    process.stdin.pause().removeAllListeners('data');
    process.stdout.off('resize', this.#tellSize);
    await this.#raw?.[Symbol.asyncDispose]();
    this.#raw = undefined;
  }

  readonly #tellSize = (): void => {
    const size = terminalSize();
    if (size !== undefined) this.#say({ kind: 'size', ...size });
  };

  #say(message: ToJob): boolean {
    return this.#qsub?.pipe(0).write(lineToJob(message)) ?? true;
  }

  async #print(bytes: Buffer): Promise<void> {
    if (bytes.length > 0 && !process.stdout.write(bytes)) await once(process.stdout, 'drain');
  }

  /** Give the job up. qsub alone might leave one behind that still waits. */
  readonly #end = (signal: NodeJS.Signals): void => {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = signal;
    this.#cancel();
    this.#qsub?.signal('SIGTERM');
    setTimeout(() => this.#qsub?.signal('SIGKILL'), GRACE_MS).unref();
  };

  #cancel(): void {
    if (this.#id === undefined) return;
    // That a job which has just ended cannot be deleted is no news to anybody.
    this.#cancelled ??= this.#options.cancel(this.#id).catch(() => {});
  }
}
