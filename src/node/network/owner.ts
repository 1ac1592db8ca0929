import type { DeviceOwner } from '../../network/prepared/index.ts';
import { type LeaseKey, leaseName } from '../leases/lease.ts';

/** Whose devices are those of a job: the same on all its nodes, and here. Pure. */
export function deviceOwner(key: LeaseKey): DeviceOwner {
  return { job: leaseName({ ...key, node: '' }), place: leaseName(key) };
}
