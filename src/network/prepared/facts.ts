import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeReadableDirectory } from '../../process/index.ts';
import { isRoots } from './directory.ts';
import type { JobNetwork, Refused, SiteNetwork } from './types.ts';

/** What root tells a job of what it has prepared, for the node that the file is named after. */
export interface PreparedFacts {
  readonly version: 1;
  readonly job?: PreparedNetwork | Refused;
  readonly site?: PreparedSiteTaps | Refused;
}

/** Devices of a job in the node's own network namespace, owned by the job's user. */
export interface PreparedNetwork {
  readonly bridge: string;
  /**
   * One for each VM of the job on this node, in order; there may be more. With virtio headers and several queues: who opens one must ask for
   * several queues (IFF_MULTI_QUEUE), also for a single one, else the kernel refuses with EINVAL. So QEMU by `ifname=` needs `queues=2` or more.
   */
  readonly taps: readonly string[];
  /** For what leads outside: a plain tap, without virtio headers and with one queue. */
  readonly gatewayTap: string;
  /** In bytes. The guests of all nodes need the smallest one of all nodes. */
  readonly mtu: number;
  /** Undefined when all nodes of the job are one machine. Where it differs between two nodes, they do not reach each other. */
  readonly vni: number | undefined;
}

/** Taps in the site's own bridge; what is said of `PreparedNetwork.taps` holds for them, too. */
export interface PreparedSiteTaps {
  readonly bridge: string;
  /** A guest can send from no other hardware address than its tap's. */
  readonly taps: readonly { readonly ifname: string; readonly mac: string }[];
  readonly mtu: number;
}

/** Where they are: readable by all, written by root. */
export const FACTS_DIRECTORY = '/run/vtorque/jobs';

const END = '.json';

export function factsOf(job: JobNetwork | Refused | undefined, site: SiteNetwork | Refused | undefined): PreparedFacts {
  return {
    version: 1,
    ...(job === undefined ? {} : { job: 'refused' in job ? job : networkFacts(job) }),
    ...(site === undefined ? {} : { site: 'refused' in site ? site : siteFacts(site) }),
  };
}

function networkFacts({ bridge, taps, gatewayTap, mtu, vxlan }: JobNetwork): PreparedNetwork {
  return { bridge, taps, gatewayTap, mtu, vni: vxlan?.vni };
}

function siteFacts({ bridge, taps, mtu }: SiteNetwork): PreparedSiteTaps {
  return { bridge, taps: taps.map(({ ifname, mac }) => ({ ifname, mac })), mtu };
}

/** @param name a plain file name; what was there is replaced at once */
export async function writeFacts(
  name: string,
  facts: PreparedFacts,
  directory: string = FACTS_DIRECTORY,
): Promise<void> {
  await makeReadableDirectory(directory);
  const path = join(directory, `${name}${END}`);
  {
    await using file = await open(`${path}.new`, 'w', 0o644);
    // Hooks may run with any mask of modes.
    await file.chmod(0o644);
    await file.writeFile(JSON.stringify(facts));
  }
  await rename(`${path}.new`, path);
}

export async function removeFacts(name: string, directory: string = FACTS_DIRECTORY): Promise<void> {
  for (const end of [END, `${END}.new`]) await rm(join(directory, `${name}${end}`), { force: true });
}

/**
 * The facts of the first name that fits.
 * @returns undefined when root has prepared nothing, or when others than root could have written there
 */
export async function readFacts(
  fits: (name: string) => boolean,
  directory: string = FACTS_DIRECTORY,
): Promise<PreparedFacts | undefined> {
  try {
    if (!(await isRoots(directory))) return undefined;
    const names = (await readdir(directory)).filter((name) => name.endsWith(END) && fits(name.slice(0, -END.length)));
    const [name] = names.sort();
    if (name === undefined) return undefined;
    const facts = JSON.parse(await readFile(join(directory, name), 'utf8')) as { readonly version: number };
    return facts.version === 1 ? (facts as PreparedFacts) : undefined;
  } catch (cause) {
    // It may be removed while it is read: then the job is over.
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw cause;
  }
}
