import type { SiteConfig } from '../../site/config/index.ts';

/** What the site's configuration says of networks that root prepares on a node. */
export interface NetworkSettings {
  /** Taps of each kind for one job. */
  readonly vms: number;
  readonly job: JobNetworkSettings | undefined;
  readonly site: SiteNetworkSettings | undefined;
}

export interface JobNetworkSettings {
  readonly mtu: number;
  /** Empty: the one that leads to the other nodes. */
  readonly underlay: string;
  readonly names: string;
  readonly range: readonly [first: number, last: number];
  readonly port: number;
}

export interface SiteNetworkSettings {
  readonly bridge: string;
  /** Undefined: hardware addresses are those of the node's slots. */
  readonly script: string | undefined;
  /** Users and @groups; `*` is everybody. */
  readonly users: readonly string[];
}

/** Undefined when root is to prepare nothing here. */
export function networkSettings(config: SiteConfig, node: string): NetworkSettings | undefined {
  const where = { node };
  const bridge = config.value('network.bridge', where);
  const job = config.value('network.job', where) === 'vxlan';
  if (!job && bridge === '') return undefined;
  return {
    vms: config.value('network.max_vms_per_node', where),
    job: job
      ? {
          mtu: config.value('network.mtu', where),
          underlay: config.value('network.vxlan_interface', where),
          names: config.value('network.vxlan_names', where),
          range: config.value('network.vni_range', where),
          port: config.value('network.vxlan_port', where),
        }
      : undefined,
    site:
      bridge === ''
        ? undefined
        : {
            bridge,
            script:
              config.value('network.address', where) === 'script'
                ? config.value('network.ip_to_mac_script', where)
                : undefined,
            users: config.value('network.bridge_users', where),
          },
  };
}
