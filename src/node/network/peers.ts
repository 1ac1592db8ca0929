import { lookup } from 'node:dns/promises';
import { messageOf, within } from '../../base/index.ts';
import { runTool } from '../../process/index.ts';

const RESOLVE_MS = 10_000;

/**
 * IPv4 addresses of nodes.
 * @param pattern how a node is called in the network of the VXLAN: `*` stands for its name
 * @throws Error for a name that has none, or when the answer does not come in time
 */
export async function addressesOf(nodes: readonly string[], pattern: string): Promise<string[]> {
  const late = (): Error => new Error(`the addresses of the nodes were not found within ${RESOLVE_MS / 1000} s`);
  const found = Promise.all(nodes.map((node) => addressOf(pattern.replaceAll('*', node))));
  return within(found, { ms: RESOLVE_MS, late });
}

async function addressOf(name: string): Promise<string> {
  try {
    return (await lookup(name, { family: 4 })).address;
  } catch (cause) {
    throw new Error(`"${name}" has no IPv4 address here (${messageOf(cause)})`, { cause });
  }
}

/**
 * The device that leads to an address.
 * @throws Error when none does
 */
export async function deviceTo(address: string): Promise<string> {
  const [route] = JSON.parse(await runTool(['ip', '-json', 'route', 'get', address])) as { readonly dev?: string }[];
  if (route?.dev === undefined) throw new Error(`no route leads to ${address}`);
  return route.dev;
}
