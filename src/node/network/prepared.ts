import { readFile, readlink } from 'node:fs/promises';
import { sha256, VtorqueError } from '../../base/index.ts';
import {
  FACTS_DIRECTORY,
  isRefused,
  offerOf,
  type PreparedFacts,
  type PreparedNetwork,
  type PreparedOffer,
  type PreparedSiteTaps,
  type Refused,
  readFacts,
} from '../../network/prepared/index.ts';
import { covers, type LeaseKey, readMark } from '../leases/lease.ts';

/**
 * The network that root has prepared for a run of a job on this node.
 * @returns undefined where no hook has prepared any; else the devices, or why there are none
 */
export async function readPreparedNetwork(
  key: LeaseKey,
  directory: string = FACTS_DIRECTORY,
): Promise<PreparedNetwork | Refused | undefined> {
  return (await factsFor(key, directory))?.job;
}

/** As `readPreparedNetwork`: taps in the site's own bridge. */
export async function readPreparedSiteTaps(
  key: LeaseKey,
  directory: string = FACTS_DIRECTORY,
): Promise<PreparedSiteTaps | Refused | undefined> {
  return (await factsFor(key, directory))?.site;
}

/** What the launcher must know of it. Nothing where no hook has prepared any. */
export async function preparedOffers(
  key: LeaseKey,
): Promise<{ readonly prepared?: PreparedOffer; readonly site?: PreparedOffer }> {
  const { job, site } = (await factsFor(key, FACTS_DIRECTORY)) ?? {};
  if (job === undefined && site === undefined) return {};
  const machine = await thisMachine();
  return {
    ...(job === undefined ? {} : { prepared: offerOf(job, machine) }),
    ...(site === undefined ? {} : { site: offerOf(site, machine) }),
  };
}

/** The devices of one network namespace: containers of one kernel have different ones. */
async function thisMachine(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  return sha256(Buffer.from(`${boot} ${await readlink('/proc/self/ns/net')}`)).slice(0, 16);
}

/** @throws VtorqueError `E_NETWORK_PREPARED` when it is gone */
export async function preparedHere(key: LeaseKey): Promise<PreparedNetwork> {
  return stillThere(await readPreparedNetwork(key));
}

/** @throws VtorqueError `E_NETWORK_PREPARED` when they are gone */
export async function siteTapsHere(key: LeaseKey): Promise<PreparedSiteTaps> {
  return stillThere(await readPreparedSiteTaps(key));
}

function stillThere<T extends object>(found: T | Refused | undefined): T {
  if (found !== undefined && !isRefused(found)) return found;
  throw new VtorqueError(
    'E_NETWORK_PREPARED',
    'Cannot use the network that root has prepared for the job: it is gone',
    {
      hint: 'The job was taken for over: see the log of the reaper, and of the hooks of the batch system',
      phase: 'network',
    },
  );
}

function factsFor(key: LeaseKey, directory: string): Promise<PreparedFacts | undefined> {
  return readFacts((name) => {
    const other = readMark(name);
    return other !== undefined && covers(key, other);
  }, directory);
}
