import type { NodeSettings } from './node-settings.ts';

/**
 * The guest's /etc/resolv.conf: the site's name servers and search list, else those of the node. Pure.
 * @param ofNode the node's file
 * @param dns what answers for the node's name servers; none for a guest that does not reach them
 */
export function resolverFile(
  ofNode: string,
  dns: string | undefined,
  { nameServers, search }: Pick<NodeSettings, 'nameServers' | 'search'>,
): string {
  const servers = nameServers.length > 0 ? nameServers : dns === undefined ? [] : [dns];
  const kept = search.length > 0 ? /^options\s/ : /^(search|domain|options)\s/;
  const lines = [
    ...servers.map((address) => `nameserver ${address}`),
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...ofNode.split('\n').filter((line) => kept.test(line)),
  ];
  return `${lines.join('\n')}\n`;
}
