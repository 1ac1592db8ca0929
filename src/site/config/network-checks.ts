import type { ConfigProblem, ReadConfig } from './read.ts';
import { SiteConfig } from './site-config.ts';

/** Values for networks that are right each by itself and do not go together, for the site and for each pattern of nodes. */
export function networkChecks(read: ReadConfig): ConfigProblem[] {
  const scripts = read.entries.filter(({ name, value }) => name === 'network.address' && value === 'script');
  const config = new SiteConfig(read);
  return scripts.flatMap(({ holder, line }) => {
    const where = holder.kind === 'node' ? { node: holder.pattern } : {};
    if (config.value('network.ip_to_mac_script', where) !== '') return [];
    return [
      {
        severity: 'error' as const,
        ...(line === undefined ? {} : { line }),
        key: holder.kind === 'node' ? `nodes.${holder.pattern}.network.address` : 'network.address',
        reason: '"script" cannot be used: there is no network.ip_to_mac_script',
        remedy: 'Name the script, or let address be "dhcp"',
      },
    ];
  });
}
