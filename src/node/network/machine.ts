import { readFile } from 'node:fs/promises';
import type { Refused } from '../../network/prepared/index.ts';
import { runTool } from '../../process/index.ts';

const SWITCH = '/proc/sys/net/bridge/bridge-nf-call-iptables';

interface Chain {
  readonly family?: string;
  readonly table?: string;
  readonly name?: string;
  readonly hook?: string;
  readonly policy?: string;
}

/**
 * Frames that a bridge forwards can be made to go through the node's firewall (containers have that switched on). One that drops what it does not know, would drop
 * those of guests without a word.
 */
export async function refuseFilteredBridges(): Promise<Refused | undefined> {
  if ((await readFile(SWITCH, 'utf8').catch(() => '0')).trim() !== '1') return undefined;
  const chains = droppingChains(await runTool(['nft', '--json', 'list', 'chains']));
  if (chains.length === 0) return undefined;
  return {
    refused: `bridge-nf-call-iptables is 1, and the node's firewall drops what it forwards (${chains.join(', ')})`,
  };
}

/** Chains that drop what is forwarded unless a rule says otherwise, in what `nft --json list chains` prints. Pure. */
export function droppingChains(json: string): string[] {
  const { nftables } = JSON.parse(json) as { readonly nftables: readonly { readonly chain?: Chain }[] };
  return nftables.flatMap(({ chain }) =>
    chain?.hook === 'forward' && chain.policy === 'drop' && ['ip', 'ip6', 'inet'].includes(chain.family ?? '')
      ? [`${chain.family} ${chain.table} ${chain.name}`]
      : [],
  );
}

/** The lowest port that any user of this machine may send from. */
export async function firstUserPort(): Promise<number> {
  return Number(await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
}
