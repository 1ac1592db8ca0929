import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machines } from './machines.ts';
import type { SlurmPlace, SlurmPlaces } from './slurm.ts';

/** What a Slurm is to run on. */
export interface ComputersOfSlurm extends SlurmPlaces {
  /** Give all of them another configuration of vTorque. */
  configure(config: string): void;
}

/**
 * Make computers of some machines: each with a host name, a /run, leases and a configuration of vTorque of its own, and all know each other by name.
 * @param config the configuration of vTorque
 * @param domain what their host names end with
 */
export function slurmMachines(
  { machines, hub, directory }: Machines,
  config: string,
  domain?: string,
): ComputersOfSlurm {
  chmodSync(directory, 0o755);
  const hostName = (short: string): string => (domain === undefined ? short : `${short}.${domain}`);
  const names = machines.map((_, i) => hostName(`n${i + 1}`));
  const head = hostName('head');
  const hosts = [
    readFileSync('/etc/hosts', 'utf8'),
    `${hub.address} ${head}`,
    ...machines.map(({ address }, i) => `${address} ${names[i]}`),
  ].join('\n');
  const place = (namespace: string, address: string, name: string): SlurmPlace => {
    const own = join(directory, `computer-${name}`);
    for (const part of ['etc/vtorque', 'work', 'run', 'leases']) mkdirSync(join(own, part), { recursive: true });
    chmodSync(join(own, 'leases'), 0o700);
    writeFileSync(join(own, 'etc/hosts'), `${hosts}\n`);
    const steps = [
      `hostname ${name}`,
      `mount -t overlay overlay -o lowerdir=/etc,upperdir=${own}/etc,workdir=${own}/work /etc`,
      `mount --bind ${own}/run /run`,
      `mkdir -p /var/lib/vtorque/leases && mount --bind ${own}/leases /var/lib/vtorque/leases`,
    ];
    const script = `${steps.join(' && ')} && exec "$@"`;
    // Not by ip netns exec, which hides the control groups that a slurmd looks for.
    const inside = ['nsenter', `--net=/run/netns/${namespace}`, 'unshare', '-m', '-u', 'sh', '-c', script, 'sh'];
    return { address, name, inside };
  };
  const all = {
    head: place(hub.namespace, hub.address, head),
    nodes: machines.map(({ namespace, address }, i) => place(namespace, address, names[i] ?? '')),
  };
  const configure = (text: string): void => {
    for (const { name } of [all.head, ...all.nodes]) {
      writeFileSync(join(directory, `computer-${name}`, 'etc/vtorque/config.toml'), text);
    }
  };
  configure(config);
  return { ...all, configure };
}
