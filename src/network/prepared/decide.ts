import type { PreparedNetwork, PreparedSiteTaps } from './facts.ts';
import type { Refused } from './types.ts';

/** What root has prepared on a node, as far as all nodes of the job must know it; or why nothing. */
export type PreparedOffer =
  | {
      readonly taps: number;
      readonly mtu: number;
      readonly vni?: number;
      /** Of a network of a job that does not leave its machine: which one that is. */
      readonly machine?: string;
    }
  | Refused;

/**
 * Pure.
 * @param machine tells this one from others
 */
export function offerOf(prepared: PreparedNetwork | PreparedSiteTaps | Refused, machine: string): PreparedOffer {
  if ('refused' in prepared) return { refused: prepared.refused };
  const { taps, mtu } = prepared;
  const offer = { taps: taps.length, mtu };
  if (!('gatewayTap' in prepared)) return offer;
  return prepared.vni === undefined ? { ...offer, machine } : { ...offer, vni: prepared.vni };
}

/**
 * Whether a job uses what root has prepared: if all its nodes have it, for all VMs, and it is one network. Pure.
 * @param offers of its nodes, by their numbers; undefined where no hook prepares any
 * @param vms on each node
 * @returns undefined when nothing was to be prepared anywhere
 */
export function decidePrepared(
  offers: readonly (PreparedOffer | undefined)[],
  vms: number,
): { readonly mtu: number } | { readonly why: string } | undefined {
  if (offers.every((offer) => offer === undefined)) return undefined;
  const reason = (at: number, why: string) => ({ why: offers.length === 1 ? why : `node ${at}: ${why}` });
  const mtus: number[] = [];
  for (const [at, offer] of offers.entries()) {
    if (offer === undefined) return reason(at, 'no hook has prepared it there');
    if ('refused' in offer) return reason(at, offer.refused);
    if (offer.taps < vms) return reason(at, `${offer.taps} taps for ${vms} VMs`);
    const [first] = offers;
    if (first !== undefined && !('refused' in first)) {
      if (first.vni !== offer.vni) return reason(at, 'it has another network identifier than the first node');
      // Each of them was told that no other machine has a node of the job.
      if (first.machine !== offer.machine) return reason(at, 'it leads to no other machine, and the first node is one');
    }
    mtus.push(offer.mtu);
  }
  return { mtu: Math.min(...mtus) };
}
