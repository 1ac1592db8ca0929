import { existsSync } from 'node:fs';
import { readLinks, removeFacts, removeNetworks } from '../../network/prepared/index.ts';
import { covers, type LeaseKey, leaseName } from '../leases/lease.ts';
import { deviceOwner } from './owner.ts';
import { type NetworkPlaces, networkPlaces } from './prepare.ts';
import { type NetworkRecord, NetworkRecords } from './records.ts';

/**
 * Remove all network devices that root has made for a run of a job on this node. Nothing is done where there never were any.
 * @throws Error when something stays
 */
export async function releaseNetwork(key: LeaseKey, places: NetworkPlaces = networkPlaces): Promise<void> {
  if (process.getuid?.() !== 0) return;
  await removeFacts(leaseName(key), places.facts);
  if (!existsSync(places.records)) return;
  const records = await NetworkRecords.open(places.records);
  await records.whileLocked(async () => {
    const all = await records.list();
    for (const record of all.filter((each) => covers(key, each.key))) {
      const others = (await records.list()).filter((each) => leaseName(each.key) !== leaseName(record.key));
      await removeNetworks(deviceOwner(record.key), record, others, await readLinks());
      await removeFacts(leaseName(record.key), places.facts);
      await records.forget(record.key);
    }
  });
}

/** What is on record of networks for leases in this directory. Nothing as an ordinary user, who can make none. */
export async function networkRecords(
  leases: string,
  places: NetworkPlaces = networkPlaces,
): Promise<readonly NetworkRecord[]> {
  if (process.getuid?.() !== 0 || !existsSync(places.records)) return [];
  return (await (await NetworkRecords.open(places.records)).list()).filter((record) => record.leases === leases);
}
