import { messageOf } from '../../base/index.ts';
// Not through the room's index: hooks have no use for the rest.
import { whyNotTrusted } from '../../image/trust.ts';
import { planSiteNetwork, scriptMacs, slotMac } from '../../network/bridge/index.ts';
import {
  buildNetworks,
  devicesOf,
  FACTS_DIRECTORY,
  factsOf,
  isRefused,
  isThere,
  type JobNetwork,
  type Link,
  leftOf,
  type Networks,
  planJobNetwork,
  type Refused,
  readFacts,
  readLinks,
  removeNetworks,
  type SiteNetwork,
  writeFacts,
} from '../../network/prepared/index.ts';
import { runTool } from '../../process/index.ts';
import type { HookedJob } from '../hook.ts';
import { type LeaseKey, leaseName } from '../leases/lease.ts';
import { firstUserPort, refuseFilteredBridges } from './machine.ts';
import { deviceOwner } from './owner.ts';
import { addressesOf, deviceTo } from './peers.ts';
import { NetworkRecords, RECORDS_DIRECTORY } from './records.ts';
import type { JobNetworkSettings, NetworkSettings, SiteNetworkSettings } from './settings.ts';

const ROOT = 0;

/** Where root keeps what it knows of networks, and where it tells jobs of them. */
export interface NetworkPlaces {
  readonly records: string;
  readonly facts: string;
}

export const networkPlaces: NetworkPlaces = { records: RECORDS_DIRECTORY, facts: FACTS_DIRECTORY };

export interface PrepareNetworkInput {
  readonly job: HookedJob;
  /** All of the job; undefined when they are not known. */
  readonly nodes: readonly string[] | undefined;
  readonly settings: NetworkSettings;
  /** Directory of the leases. */
  readonly leases: string;
  readonly places?: NetworkPlaces;
}

/**
 * Make what a job on this node may use of networks, and tell it so. Why there is something it does not get, it is told as well: that is no failure of the hook, the
 * job then has the network that needs no root. May be called again: what is there stays.
 */
export async function prepareNetwork(input: PrepareNetworkInput): Promise<void> {
  const { job, settings, places = networkPlaces } = input;
  const name = leaseName(job.key);
  try {
    await prepareUnderLock(input, await NetworkRecords.open(places.records));
  } catch (error) {
    const refused = { refused: messageOf(error) };
    await writeFacts(name, factsOf(settings.job && refused, settings.site && refused), places.facts);
  }
}

async function prepareUnderLock(input: PrepareNetworkInput, records: NetworkRecords): Promise<void> {
  const { job, nodes, settings, leases, places = networkPlaces } = input;
  const { key, owner: user } = job;
  const name = leaseName(key);
  // Names may be resolved over the network: nobody else has to wait for that.
  const peers = settings.job === undefined ? undefined : await peersOf(key, nodes, settings.job);
  const owner = deviceOwner(key);
  await records.whileLocked(async () => {
    const all = await records.list();
    const others = all.filter((record) => leaseName(record.key) !== name);
    const before: Networks = all.find((record) => !others.includes(record)) ?? {};
    const links = await readLinks();
    // Of an earlier run, or of a hook that was killed: what is planned takes its place.
    const old = leftOf(owner, before, others, links);
    const free = links.filter((link) => !old.includes(link));
    const asked = { input, peers, before, others, links: free };
    const jobNetwork = settings.job && (await planJob(asked, settings.job));
    const siteNetwork = settings.site && (await planSite(asked, settings.site));
    const own: Networks = {
      ...(jobNetwork === undefined || isRefused(jobNetwork) ? {} : { job: jobNetwork }),
      ...(siteNetwork === undefined || isRefused(siteNetwork) ? {} : { site: siteNetwork }),
    };
    const facts = factsOf(jobNetwork, siteNetwork);
    const told = await readFacts((each) => each === name, places.facts);
    const known = JSON.stringify([before.job, before.site]) === JSON.stringify([own.job, own.site]);
    if (known && JSON.stringify(told) === JSON.stringify(facts) && isThere(owner, own, links)) return;
    if (old.length > 0) await removeNetworks(owner, before, others, links);
    if (devicesOf(own).length > 0) {
      await records.write({ key, leases, ...own });
      try {
        await buildNetworks({ owner, uid: user.uid, own, others, links: free });
      } catch (error) {
        await removeNetworks(owner, own, others, await readLinks());
        await records.forget(key);
        throw error;
      }
    } else {
      await records.forget(key);
    }
    await writeFacts(name, facts, places.facts);
  });
}

interface Asked {
  readonly input: PrepareNetworkInput;
  readonly peers: readonly string[] | Refused | undefined;
  /** What this job has been given already. */
  readonly before: Networks;
  readonly others: readonly Networks[];
  readonly links: readonly Link[];
}

async function peersOf(
  key: LeaseKey,
  nodes: readonly string[] | undefined,
  { names }: JobNetworkSettings,
): Promise<readonly string[] | Refused> {
  if (nodes === undefined) return { refused: 'the batch system does not tell this node which others the job has' };
  // Nodes of the embedded batch system are this machine, all of them, and have no addresses of their own.
  if (key.engine === 'embedded') return [];
  try {
    return await addressesOf(
      nodes.filter((node) => node !== key.node),
      names,
    );
  } catch (error) {
    return { refused: messageOf(error) };
  }
}

async function planJob(
  { input, peers, others, links }: Asked,
  { mtu, underlay, range, port }: JobNetworkSettings,
): Promise<JobNetwork | Refused> {
  if (peers === undefined || 'refused' in peers) return peers ?? { refused: 'the nodes of the job are not known' };
  const owner = deviceOwner(input.job.key);
  const [first] = peers;
  const device = underlay || (first === undefined ? '' : await deviceTo(first));
  const filtered = await refuseFilteredBridges();
  if (filtered !== undefined) return filtered;
  return planJobNetwork({
    ...{ owner, vms: input.settings.vms, mtu, peers, links },
    vxlan: { range, port, underlay: device },
    reserved: others.flatMap(({ job }) => job?.vxlan ?? []),
    firstUserPort: await firstUserPort(),
  });
}

async function planSite(
  { input, before, others, links }: Asked,
  { bridge, script, users }: SiteNetworkSettings,
): Promise<SiteNetwork | Refused> {
  const { job, settings } = input;
  const { node } = job.key;
  try {
    if (!(await isAmong(job.owner.name, users)))
      return { refused: `the site does not allow ${bridge} to ${job.owner.name}` };
    const sites = others.flatMap(({ site }) => (site === undefined ? [] : [site]));
    return await planSiteNetwork({
      ...{ owner: deviceOwner(job.key), bridge, vms: settings.vms, links },
      taken: new Set(sites.flatMap(({ taps }) => taps.map(({ slot }) => slot))),
      kept: before.site?.taps.map(({ slot }) => slot) ?? [],
      macs: async (slots) => {
        if (script === undefined) return slots.map((slot) => slotMac(node, slot));
        const why = await whyNotTrusted(script, ROOT);
        if (why !== undefined) throw new Error(`others than root may change the script, ${why}`);
        return scriptMacs(script, node, settings.vms, slots);
      },
      slots: script === undefined ? undefined : settings.vms,
    });
  } catch (error) {
    return { refused: messageOf(error) };
  }
}

async function isAmong(user: string, users: readonly string[]): Promise<boolean> {
  if (users.includes('*') || users.includes(user)) return true;
  const groups = users.filter((name) => name.startsWith('@')).map((name) => name.slice(1));
  if (groups.length === 0) return false;
  const own = (await runTool(['id', '-Gn', '--', user])).trim().split(' ');
  return own.some((group) => groups.includes(group));
}
