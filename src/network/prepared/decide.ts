import type { PreparedNetwork, PreparedSiteTaps } from './facts.ts';
import type { Refused } from './types.ts';

/** What root has prepared on a node, as far as all nodes of the job must know it; or why nothing. */
export type PreparedOffer = { readonly taps: number; readonly mtu: number; readonly vni?: number } | Refused;

/** Pure. */
export function offerOf(prepared: PreparedNetwork | PreparedSiteTaps | Refused): PreparedOffer {
  if ('refused' in prepared) return { refused: prepared.refused };
  const { taps, mtu } = prepared;
  const vni = 'vni' in prepared ? prepared.vni : undefined;
  return { taps: taps.length, mtu, ...(vni === undefined ? {} : { vni }) };
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
    if (first !== undefined && !('refused' in first) && first.vni !== offer.vni) {
      return reason(at, 'it has another network identifier than the first node');
    }
    mtus.push(offer.mtu);
  }
  return { mtu: Math.min(...mtus) };
}
