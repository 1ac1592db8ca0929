import { readFile } from 'node:fs/promises';
import { type Cidr, formatCidr, parseAddress } from './ipv4.ts';

/**
 * The ranges of addresses to which this node has a route of its own, and its name servers: a job's network must have none of
 * them. Each as `a.b.c.d/prefix`, sorted. The default route is not among them.
 */
export async function routesInUse(): Promise<string[]> {
  // A machine without network has neither.
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const [routes, resolver] = await Promise.all([read('/proc/net/route'), read('/etc/resolv.conf')]);
  return [...new Set([...parseRoutes(routes), ...parseNameServers(resolver)].map(formatCidr))].sort();
}

const UP = 1;

/** Read the kernel's routing table, as in `/proc/net/route`. Pure. */
export function parseRoutes(table: string): Cidr[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, destination = '', , flags = '', , , , mask = ''] = line.trim().split(/\s+/);
      if (!/^[\dA-F]{8}$/i.test(destination) || !/^[\dA-F]{8}$/i.test(mask)) return [];
      if ((Number.parseInt(flags, 16) & UP) === 0) return [];
      const prefix = prefixOf(fromMemory(mask));
      return prefix === 0 ? [] : [{ base: fromMemory(destination), prefix }];
    });
}

/** Read the addresses of name servers from `resolv.conf`. Pure. */
export function parseNameServers(text: string): Cidr[] {
  return text.split('\n').flatMap((line) => {
    const [, word = ''] = /^\s*nameserver\s+(\S+)/.exec(line) ?? [];
    const base = parseAddress(word);
    return base === undefined ? [] : [{ base, prefix: 32 }];
  });
}

/** The kernel prints an address as a number of this machine, whose lowest byte is the first one. */
function fromMemory(digits: string): number {
  return Buffer.from(digits, 'hex').readUInt32LE();
}

function prefixOf(mask: number): number {
  return Math.clz32(~mask);
}
