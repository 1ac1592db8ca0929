/** A network device of this machine, as far as job networks look at it. */
export interface Link {
  readonly name: string;
  readonly alias: string | undefined;
  /** A number, or a name that the machine has for one. */
  readonly group: string;
  readonly mtu: number;
  readonly up: boolean;
  /** `bridge`, `vxlan`, `tun`; undefined for real ones. */
  readonly kind: string | undefined;
  /** Of a VXLAN. */
  readonly vni: number | undefined;
  readonly port: number | undefined;
  /** Its IPv4 addresses, those that are valid everywhere first. */
  readonly addresses: readonly string[];
}

interface LinkAsTold {
  readonly ifname?: string;
  readonly ifalias?: string;
  readonly group?: string;
  readonly mtu?: number;
  readonly flags?: readonly string[];
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: { readonly id?: number; readonly port?: number };
  };
  readonly addr_info?: readonly { readonly family?: string; readonly local?: string; readonly scope?: string }[];
}

/**
 * Read what `ip -details -json address show` prints. Pure.
 * @throws SyntaxError
 */
export function parseLinks(json: string): Link[] {
  return (JSON.parse(json) as LinkAsTold[]).map(
    ({ ifname = '', ifalias, group = 'default', mtu = 0, flags = [], linkinfo, addr_info = [] }) => {
      const vxlan = linkinfo?.info_kind === 'vxlan' ? linkinfo.info_data : undefined;
      const ipv4 = addr_info.filter(({ family }) => family === 'inet');
      const global = ipv4.filter(({ scope }) => scope === 'global');
      return {
        ...{ name: ifname, alias: ifalias, group, mtu, up: flags.includes('UP') },
        ...{ kind: linkinfo?.info_kind, vni: vxlan?.id, port: vxlan?.port },
        addresses: [...new Set([...global, ...ipv4].flatMap(({ local }) => (local === undefined ? [] : [local])))],
      };
    },
  );
}
