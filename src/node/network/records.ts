import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import { isRoots, type Networks } from '../../network/prepared/index.ts';
import { lockFile, makeReadableDirectory } from '../../process/index.ts';
import { type LeaseKey, leaseName } from '../leases/lease.ts';

/** Gone after a reboot, as all devices are. */
export const RECORDS_DIRECTORY = '/run/vtorque/networks';

const LOCK_MS = 20_000;
const END = '.json';

/** What root has made, or was about to make, for a run of a job on this node. Written before any device is there. */
export interface NetworkRecord extends Networks {
  readonly key: LeaseKey;
  /** Directory of the leases among which that of the job is: a machine may have several. */
  readonly leases: string;
}

/** The records of all batch systems of a machine: its rules and devices are common to them. */
export class NetworkRecords {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * @param directory made if it is missing
   * @throws VtorqueError `E_NETWORK_RECORDS` when others than root could have written there
   */
  static async open(directory: string = RECORDS_DIRECTORY): Promise<NetworkRecords> {
    await makeReadableDirectory(directory);
    if (!(await isRoots(directory))) {
      throw new VtorqueError('E_NETWORK_RECORDS', `Cannot trust "${directory}": others than root may write there`, {
        hint: 'Remove it; nobody else has made it for us',
        phase: 'network',
      });
    }
    return new NetworkRecords(directory);
  }

  /**
   * Do something while no other hook changes networks of this machine.
   * @throws VtorqueError `E_LOCKED`
   */
  async whileLocked<T>(work: () => Promise<T>): Promise<T> {
    await using _ = await lockFile(join(this.#directory, '.lock'), { waitMs: LOCK_MS });
    return await work();
  }

  async list(): Promise<NetworkRecord[]> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith(END)).sort();
    const texts = await Promise.all(names.map((name) => readFile(join(this.#directory, name), 'utf8').catch(() => '')));
    // One that was cut while it was written counts as none: nothing had been made by then.
    return texts.flatMap((text) => (text.endsWith('\n') ? [JSON.parse(text) as NetworkRecord] : []));
  }

  async write(record: NetworkRecord): Promise<void> {
    const path = this.#path(record.key);
    {
      await using file = await open(`${path}.new`, 'w', 0o600);
      await file.writeFile(`${JSON.stringify(record)}\n`);
    }
    await rename(`${path}.new`, path);
  }

  async forget(key: LeaseKey): Promise<void> {
    for (const end of [END, `${END}.new`]) await rm(`${this.#path(key, '')}${end}`, { force: true });
  }

  #path(key: LeaseKey, end: string = END): string {
    return join(this.#directory, `${leaseName(key)}${end}`);
  }
}
