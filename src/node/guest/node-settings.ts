// Not through the room's index: what translates and documents the configuration is of no use on a node.
import type { SmtPolicy } from '../../plan/index.ts';
import { configKeys } from '../../site/config/keys.ts';
import { loadConfig } from '../../site/config/load.ts';

/** What the site says about this node's storage. Paths are absolute; an empty one is none. */
export interface StorageSettings {
  readonly workspace: string;
  readonly opt: string;
  readonly optAtOpt: 'auto' | 'always' | 'never';
  readonly scratch: string;
  /** Bytes of memory that the changes to an image may take. */
  readonly ramdisk: number;
}

/** What the site says about this node. */
export interface NodeSettings {
  readonly accelerator: 'auto' | 'kvm' | 'tcg';
  readonly transport: 'auto' | '9p';
  /** Whether guests start from templates, and when these are made. */
  readonly warm: 'auto' | 'beside' | 'off';
  /** Bytes that a user's templates may take. */
  readonly templates: number;
  readonly storage: StorageSettings;
  /** Addresses; none: the node's own, through QEMU. */
  readonly nameServers: readonly string[];
  /** Domains; none: the node's. */
  readonly search: readonly string[];
  /** Ranges of addresses, in this order, from which a job's network is taken. */
  readonly networkPools: readonly string[];
  /** Bytes: of a job's network. */
  readonly networkMtu: number;
  /** How VMs share the node with its own work; `hostRam` in bytes. */
  readonly placement: { readonly smt: SmtPolicy; readonly hostCores: number; readonly hostRam: number };
  /** Milliseconds until a guest must answer; without it as long as its kind needs. */
  readonly readyWithinMs?: number;
}

/** Nothing on the way needs packets cut: not the kernel's bridge, nor our trunks, nor slirp4netns. */
const usualMtu = 65_520;

/** What holds where no site says otherwise. */
export const usualSettings: NodeSettings = {
  ...{ accelerator: 'auto', transport: 'auto', warm: 'auto', nameServers: [], search: [] },
  templates: configKeys['vm.templates'].default,
  storage: { workspace: '', opt: '', optAtOpt: 'auto', scratch: '', ramdisk: 1024 ** 3 },
  networkPools: configKeys['network.pools'].default,
  networkMtu: usualMtu,
  placement: { smt: 'auto', hostCores: 0, hostRam: 0 },
};

/**
 * Read the settings of a node from the site's configuration.
 * @throws VtorqueError `E_CONFIG`, `E_CONFIG_SYNTAX`, `E_CONFIG_READ`
 */
export async function nodeSettings(
  env: Readonly<Record<string, string | undefined>>,
  uid: number,
  node: string,
): Promise<NodeSettings> {
  const config = await loadConfig(env, uid);
  const seconds = config.value('timeouts.guest', { node });
  return {
    accelerator: config.value('vm.accelerator', { node }),
    transport: config.value('storage.transport', { node }),
    warm: config.value('vm.warm', { node }),
    templates: config.value('vm.templates', { node }),
    storage: {
      workspace: config.value('storage.workspace', { node }),
      opt: config.value('storage.opt', { node }),
      optAtOpt: config.value('storage.opt_at_opt', { node }),
      scratch: config.value('storage.scratch', { node }),
      ramdisk: config.value('storage.ramdisk'),
    },
    nameServers: config.value('network.name_servers', { node }),
    search: config.value('network.search', { node }),
    networkPools: config.value('network.pools'),
    networkMtu: config.value('network.mtu') || usualMtu,
    placement: {
      smt: config.value('placement.smt', { node }),
      hostCores: config.value('placement.host_cores', { node }),
      hostRam: config.value('placement.host_ram', { node }),
    },
    ...(seconds === 0 ? {} : { readyWithinMs: seconds * 1000 }),
  };
}
