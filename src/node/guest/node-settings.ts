// Not through the room's index: what translates and documents the configuration is of no use on a node.
import { loadConfig } from '../../site/config/load.ts';

/** What the site says about this node. */
export interface NodeSettings {
  readonly accelerator: 'auto' | 'kvm' | 'tcg';
  readonly transport: 'auto' | '9p';
  /** Addresses; none: the node's own, through QEMU. */
  readonly nameServers: readonly string[];
  /** Domains; none: the node's. */
  readonly search: readonly string[];
  /** Milliseconds until a guest must answer; without it as long as its kind needs. */
  readonly readyWithinMs?: number;
}

/** What holds where no site says otherwise. */
export const usualSettings: NodeSettings = { accelerator: 'auto', transport: 'auto', nameServers: [], search: [] };

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
    nameServers: config.value('network.name_servers', { node }),
    search: config.value('network.search', { node }),
    ...(seconds === 0 ? {} : { readyWithinMs: seconds * 1000 }),
  };
}
