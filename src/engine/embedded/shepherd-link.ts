import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { runTool, start } from '../../process/index.ts';
import type { Used } from './job.ts';

/** How a job ended, as its shepherd wrote it down. */
export interface JobResult {
  readonly status: number;
  readonly used: Used;
  /** Hooks that have failed, and on which of the job's nodes, counted from 0. */
  readonly failedHooks: readonly { readonly node: number; readonly hook: string }[];
}

export interface LinkEvents {
  /** The job's top process runs. */
  started(session: number): void;
  /** No shepherd of the job lives any more. */
  gone(): void;
}

/**
 * The daemon's side of one run of one job. Everything is in the run directory, so a daemon that was killed comes back to it:
 * whether a shepherd lives is read from the FIFO `alive`, which only shepherds hold open for writing.
 */
export class ShepherdLink {
  readonly #dir: string;
  readonly #events: LinkEvents;
  #alive: Socket | undefined;

  constructor(dir: string, events: LinkEvents) {
    this.#dir = dir;
    this.#events = events;
  }

  /** Make the run directory, with what the shepherd is to do. */
  async prepare(spec: Uint8Array): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { mode: 0o700 });
    await runTool(['mkfifo', '-m', '600', this.#path('alive'), this.#path('orders')]);
    // Whole or not there: whoever finds it after the daemon was killed takes it for an order to clear up.
    await writeFile(this.#path('spec.new'), spec, { mode: 0o600 });
    await rename(this.#path('spec.new'), this.#path('spec'));
  }

  /**
   * Start the job's shepherd, or one that only brings an abandoned job to its end, or only removes its traces.
   * @param terminal the client of an interactive job; it is the shepherd's from now on
   */
  start(program: string, mode: 'run' | 'finish' | 'discard', logFd: number, terminal?: Socket): void {
    const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;
    const reading = openSync(this.#path('alive'), O_RDONLY | O_NONBLOCK);
    // Opened before the shepherd exists: so there is no moment in which a daemon could think that it has died.
    const writing = openSync(this.#path('alive'), O_WRONLY | O_NONBLOCK);
    const orders = openSync(this.#path('orders'), O_RDWR | O_NONBLOCK);
    try {
      // One that cannot be started leaves a FIFO without a writer: told below like the death of a shepherd.
      start([program, this.#dir, ...(mode === 'run' ? [] : [mode])], {
        ...{ tie: 'free', apart: true, env: {}, cwd: '/' },
        stdio: ['ignore', 'ignore', logFd, writing, orders, ...(terminal === undefined ? [] : [terminal])],
      }).abandon();
    } finally {
      closeSync(writing);
      closeSync(orders);
      this.#watch(reading);
    }
  }

  /** Find out about a shepherd that an earlier daemon started; `gone` comes at once when there is none. */
  attach(): void {
    let fd: number | undefined;
    try {
      fd = openSync(this.#path('alive'), constants.O_RDONLY | constants.O_NONBLOCK);
    } catch {
      // The earlier daemon did not get as far as making it.
    }
    if (fd !== undefined && hasWriter(fd)) {
      this.#watch(fd);
    } else {
      if (fd !== undefined) closeSync(fd);
      setImmediate(() => this.#events.gone());
    }
  }

  #watch(fd: number): void {
    this.#alive = new Socket({ fd, readable: true, writable: false });
    // The shepherd says something when the job runs; what counts stands in the file.
    this.#alive.on('data', () => void this.#tellStarted());
    this.#alive.on('error', () => {});
    this.#alive.once('close', () => this.#events.gone());
    void this.#tellStarted();
  }

  async #tellStarted(): Promise<void> {
    const session = await this.session();
    if (session !== undefined) this.#events.started(session);
  }

  /** Send a signal to all processes of the job's session. */
  signal(number: number): void {
    this.#order(`signal ${number}`);
  }

  /** Ask all processes of the job to end, and kill what is left after `delayMs`. */
  end(delayMs: number): void {
    this.#order(`end ${delayMs}`);
  }

  /** Kill all processes of the job, and throw away what it has written: it is to run again. */
  rerun(): void {
    this.#order('rerun');
  }

  /** How long the job may run from its start on; 0: no limit. */
  limitTime(seconds: number): void {
    this.#order(`walltime ${seconds}`);
  }

  #order(line: string): void {
    const fd = openSync(this.#path('orders'), constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, `${line}\n`);
    } finally {
      closeSync(fd);
    }
  }

  /** The session of the job's processes; undefined when it was never started. */
  async session(): Promise<number | undefined> {
    const record = await this.#record('started');
    return record?.get('session');
  }

  async result(): Promise<JobResult | undefined> {
    const record = await this.#record('result');
    const number = (key: string): number => record?.get(key) ?? 0;
    const status = record?.get('status');
    if (status === undefined) return undefined;
    const used = { cpuMs: number('cpu_ms'), memKb: number('mem_kb'), vmemKb: number('vmem_kb') };
    return { status, used, failedHooks: await this.#failedHooks() };
  }

  async #failedHooks(): Promise<JobResult['failedHooks']> {
    const text = await readFile(this.#path('failed_hooks'), 'utf8').catch(() => '');
    return [...text.matchAll(/^(\d+) (.+)$/gm)].map(([, node, hook = '']) => ({ node: Number(node), hook }));
  }

  /** Whether the job had ended, though its output may not all be where it belongs. */
  async hasEnded(): Promise<boolean> {
    return (await this.#record('ended')) !== undefined;
  }

  /** Whether a shepherd may ever have been started. */
  async wasPrepared(): Promise<boolean> {
    // Written last.
    return access(this.#path('spec')).then(
      () => true,
      () => false,
    );
  }

  /** After a reboot the number of the session says nothing any more. */
  async forgetSession(): Promise<void> {
    await rm(this.#path('started'), { force: true });
  }

  async remove(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Stop listening; the shepherd goes on. */
  detach(): void {
    this.#alive?.removeAllListeners('close');
    this.#alive?.destroy();
  }

  async #record(name: string): Promise<Map<string, number> | undefined> {
    const text = await readFile(this.#path(name), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    return new Map(
      text.split('\n').flatMap((line): [string, number][] => {
        const [key = '', value] = line.split(' ');
        return value === undefined ? [] : [[key, Number(value)]];
      }),
    );
  }

  #path(name: string): string {
    return join(this.#dir, name);
  }
}

/** The kernel reports the end of the last writer only to readers that were there before it: so look once. */
function hasWriter(fd: number): boolean {
  const buffer = Buffer.alloc(4096);
  try {
    while (readSync(fd, buffer) > 0);
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return true;
    throw error;
  }
}

/**
 * The shepherd's description of a job: keys and values, each ended by a NUL.
 * @throws Error for a NUL inside: it could smuggle in a key, such as another uid
 */
export function encodeSpec(entries: Iterable<readonly [key: string, value: string]>): Buffer {
  const parts = [...entries].flat();
  if (parts.some((part) => part.includes('\0'))) throw new Error('a value of the job holds a NUL');
  return Buffer.from(parts.map((part) => `${part}\0`).join(''));
}
