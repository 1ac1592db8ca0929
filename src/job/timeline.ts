import { appendFile, readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VtorqueError } from '../base/index.ts';
import { makePrivateDirectory, ownIdentity, type ProcessIdentity } from '../process/index.ts';

/** The steps of a job's run, in their order. */
export const steps = ['plan', 'network', 'vm-start', 'guest', 'script', 'keep', 'tear-down'] as const;
export type Step = (typeof steps)[number];

/** One line of a job's record. */
export interface TimelineEntry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly job: string;
  readonly event: 'start' | Step | 'end' | 'fact';
  /** With `end`: the exit code, or how it ended without one; with `fact`: what was chosen, and why. */
  readonly value?: string | number;
  /** With the `fact` that tells where a terminal of the guest is to be had. */
  readonly console?: ConsolePlace;
  /** With `start`: who keeps this record. */
  readonly launcher?: ProcessIdentity;
  /** With the `fact` that the job was told to end. */
  readonly signal?: NodeJS.Signals;
}

/** Where the launcher of a job lets its owner in. */
export interface ConsolePlace {
  /** The node, by its own name. */
  readonly host: string;
  /** Name of the launcher's socket there, in the kernel's own name space. */
  readonly socket: string;
  /** How many VMs the job has; one where nothing is said. */
  readonly vms?: number;
}

/** Records kept per user; older ones go when a new job starts. */
const kept = 200;

const ending = '.jsonl';

/**
 * Where a user's job leaves its record, below his state directory.
 * @throws VtorqueError `E_JOB_ID` for what cannot be one: a path is made of it
 */
export function timelinePath(state: string, jobId: string): string {
  if (!/^[\w.[\]-]+$/.test(jobId)) {
    throw new VtorqueError('E_JOB_ID', `Cannot use "${jobId}" as a job id: it has characters that no job id has`, {
      hint: 'Write it as qstat shows it, for instance 121 or 121[1]',
    });
  }
  return join(recordsDirectory(state), `${jobId}${ending}`);
}

export function recordsDirectory(state: string): string {
  return join(state, 'jobs');
}

/** The job of a file in the directory of the records; undefined for another file. */
export function jobOfRecord(name: string): string | undefined {
  return name.endsWith(ending) ? name.slice(0, -ending.length) : undefined;
}

/** The entries in a record. A line that a full disk has cut is left out, and so is the last one while it is being written. */
export function readEntries(text: string): TimelineEntry[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as TimelineEntry];
    } catch {
      return [];
    }
  });
}

/** Where what the hooks in the VMs of a job print is kept, below the user's state directory. */
export function hookLogsPath(state: string, jobId: string): string {
  return logsBeside(timelinePath(state, jobId));
}

function logsBeside(record: string): string {
  return `${record.slice(0, -ending.length)}.hooks`;
}

/** The record of one job's run: when each step began. A rerun of the job is appended. */
export class Timeline {
  readonly #path: string;
  readonly #job: string;
  #writing: Promise<void>;
  #failure: unknown;

  constructor(state: string, job: string) {
    this.#path = timelinePath(state, job);
    this.#job = job;
    this.#writing = makePrivateDirectory(dirname(this.#path))
      // Another job may be removing the same ones.
      .then(() => prune(dirname(this.#path)).catch(() => {}))
      .then(() => endCutLine(this.#path))
      .catch((error: unknown) => {
        this.#failure = error;
      });
  }

  record(event: TimelineEntry['event'], value?: string | number): void {
    this.#write({ event, ...(value === undefined ? {} : { value }) });
  }

  recordStart(): void {
    this.#write({ event: 'start', launcher: ownIdentity() });
  }

  /** The job was told to end, and may have no time to say more. */
  recordSignal(signal: NodeJS.Signals): void {
    this.#write({ event: 'fact', value: `told to end by ${signal}`, signal });
  }

  recordConsole(console: ConsolePlace): void {
    this.#write({ event: 'fact', value: `console on ${console.host}`, console });
  }

  #write(what: Omit<TimelineEntry, 'at' | 'job'>): void {
    const entry: TimelineEntry = { at: Date.now(), job: this.#job, ...what };
    this.#writing = this.#writing.then(async () => {
      if (this.#failure !== undefined) return;
      await appendFile(this.#path, `${JSON.stringify(entry)}\n`, { mode: 0o600 }).catch((error: unknown) => {
        this.#failure = error;
      });
    });
  }

  /** Wait until all is written. A full or missing home must not fail the job, so the error is returned, not thrown. */
  async flush(): Promise<unknown> {
    await this.#writing;
    return this.#failure;
  }
}

/** What an earlier run of the job could not write to its end must not swallow the first entry of this one. */
async function endCutLine(path: string): Promise<void> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  if (bytes.length > 0 && bytes.at(-1) !== 0x0a) await appendFile(path, '\n');
}

async function prune(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(ending));
  if (names.length <= kept) return;
  const dated = await Promise.all(
    names.map(async (name) => ({ path: join(directory, name), at: (await stat(join(directory, name))).mtimeMs })),
  );
  const old = dated.sort((a, b) => a.at - b.at).slice(0, names.length - kept);
  const logs = old.map(({ path }) => logsBeside(path));
  await Promise.all(old.map(({ path }) => unlink(path)));
  await Promise.all(logs.map((path) => rm(path, { recursive: true, force: true })));
}
