import type { Stats } from 'node:fs';
import { lstat, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, VtorqueError } from '../../base/index.ts';
import { lockFile, makePrivateDirectory } from '../../process/index.ts';
import { type Lease, type LeaseKey, leaseName } from './lease.ts';

const LOCK_MS = 30_000;
const LEASE = '.lease';

/** The leases of a node, in a directory that only their writer can read or change. */
export class LeaseStore {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * @param directory made if it is missing
   * @throws VtorqueError `E_LEASES` when it is closed to us, or others could have written there
   */
  static async open(directory: string, uid: number): Promise<LeaseStore> {
    const found = await made(directory);
    if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
      throw new VtorqueError('E_LEASES', `Cannot trust "${directory}": others may write or read there`, {
        hint: `It must be a directory of user ${uid} with mode 0700`,
        phase: 'check',
      });
    }
    return new LeaseStore(directory);
  }

  /**
   * Do something while nobody else does anything for this run of the job.
   * @throws VtorqueError `E_LOCKED` when somebody else takes too long
   */
  async whileLocked<T>(key: LeaseKey, work: () => Promise<T>): Promise<T> {
    await using _ = await lockFile(this.#path(key, '.lock'), { waitMs: LOCK_MS });
    return await work();
  }

  /** Undefined when there is none, or when it was never written whole, which is the same: nothing had been done by then. */
  async read(key: LeaseKey): Promise<Lease | undefined> {
    return this.#read(this.#path(key, LEASE));
  }

  /** On disk when this returns; what was there before is, when it throws. */
  async write(lease: Lease): Promise<void> {
    const path = this.#path(lease.key, LEASE);
    try {
      {
        await using file = await open(`${path}.new`, 'w', 0o600);
        await file.writeFile(`${JSON.stringify(lease)}\n`);
        await file.sync();
      }
      await rename(`${path}.new`, path);
    } catch (cause) {
      await rm(`${path}.new`, { force: true });
      throw new VtorqueError('E_CANNOT_WRITE', `Cannot write the lease "${path}": ${messageOf(cause)}`, {
        hint: 'See that there is room on the disk; what the lease stands for, the reaper releases later',
        cause,
      });
    }
  }

  async list(): Promise<Lease[]> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith(LEASE)).sort();
    const leases = await Promise.all(names.map((name) => this.#read(join(this.#directory, name))));
    return leases.filter((lease) => lease !== undefined);
  }

  async forget(key: LeaseKey): Promise<void> {
    for (const end of [LEASE, '.lock']) await rm(this.#path(key, end), { force: true });
  }

  /**
   * Whether something is to be done again that is done at most every `everyMs`; if so, it counts as done at `now`. Not while that cannot be
   * written down: it would be done each time.
   */
  async isDue(what: string, everyMs: number, now: number): Promise<boolean> {
    const stamp = join(this.#directory, `.${what}`);
    const last = await stat(stamp).catch(() => undefined);
    // What was done in the future was done before the clock was set back.
    if (last !== undefined && last.mtimeMs <= now && now - last.mtimeMs < everyMs) return false;
    return writeFile(stamp, '', { mode: 0o600 }).then(
      () => true,
      () => false,
    );
  }

  async #read(path: string): Promise<Lease | undefined> {
    const text = await readFile(path, 'utf8').catch(() => '');
    return text.endsWith('\n') ? (JSON.parse(text) as Lease) : undefined;
  }

  #path(key: LeaseKey, end: string): string {
    return join(this.#directory, `${leaseName(key)}${end}`);
  }
}

async function made(directory: string): Promise<Stats> {
  try {
    await makePrivateDirectory(directory);
    return await lstat(directory);
  } catch (cause) {
    throw new VtorqueError('E_LEASES', `Cannot use "${directory}": ${messageOf(cause)}`, {
      hint: 'It belongs to the user who runs the hooks of the batch system, usually root: run the command as that user',
      phase: 'check',
      cause,
    });
  }
}
