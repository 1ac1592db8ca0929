import { iso9660 } from './iso9660.ts';

export interface SeedOptions {
  /** The guest agent, an executable that needs nothing of the guest's system. */
  readonly agent: Uint8Array;
  /** The guest's one interface; without it the guest has none. */
  readonly network?: SeedNetwork | undefined;
}

export interface SeedNetwork {
  readonly mac: string;
  /** IPv4 address and prefix length: `10.0.2.15/24`; without it the guest asks a DHCP server. */
  readonly address?: string;
  /** None where there is no outside. */
  readonly outside?: { readonly gateway: string; readonly dns: string };
}

/** The name by which cloud-init's NoCloud data source finds a disk. */
const LABEL = 'cidata';

/**
 * The disk that makes a cloud image a guest of ours: a NoCloud seed that carries the agent and starts it. It says nothing
 * of the job, which the agent is told, so that one seed serves all guests. Pure.
 */
export function noCloudSeed({ agent, network }: SeedOptions): Buffer {
  const text = (content: string): Uint8Array => Buffer.from(content);
  return iso9660(LABEL, [
    { name: 'meta-data', content: text(metaData) },
    { name: 'user-data', content: text(userData) },
    {
      name: 'network-config',
      content: text(network === undefined ? 'network: {config: disabled}\n' : config(network)),
    },
    { name: 'start.sh', content: text(start) },
    { name: 'agent', content: agent },
  ]);
}

// The disk is thrown away after the job, so this instance is always new to it.
const metaData = 'instance-id: vtorque\nlocal-hostname: vtorque\n';

// cloud-init's own modules would make users, keys and package sources, for a machine that is to live: under QEMU's translator a
// minute's work. What a job's guest needs the agent does. Early as it is, all file systems and the network are there.
const userData = `#cloud-config
cloud_init_modules: [bootcmd]
cloud_config_modules: []
cloud_final_modules: []
bootcmd:
  - [sh, -c, "mkdir -p /run/vtorque-seed && mount -o ro -t iso9660 /dev/disk/by-label/${LABEL} /run/vtorque-seed || mount -o ro LABEL=${LABEL} /run/vtorque-seed; sh /run/vtorque-seed/start.sh; umount /run/vtorque-seed"]
`;

// /run may be mounted noexec, and where SELinux rules only programs in a directory of programs are free to work.
const start = `set -u
seed=/run/vtorque-seed
agent=/usr/local/sbin/vtorque-agent
mkdir -p /usr/local/sbin
cp "$seed/agent" "$agent"
chmod 755 "$agent"
modprobe virtio_console 2>/dev/null
port=
for name in /sys/class/virtio-ports/*/name; do
  [ "$(cat "$name")" = vtorque.agent ] && port=/dev/$(basename "$(dirname "$name")")
done
if [ -z "$port" ]; then
  echo "vtorque: there is no port named vtorque.agent" > /dev/console
  exit 1
fi
if [ -d /run/systemd/system ]; then
  systemd-run --no-block --unit=vtorque-agent --property=DefaultDependencies=no --property=TasksMax=infinity "$agent" --port "$port"
else
  setsid "$agent" --port "$port" < /dev/null > /dev/console 2>&1 &
fi
`;

/** Version 1 of cloud-init's format: all versions in use read it. */
function config({ mac, address, outside }: SeedNetwork): string {
  const further =
    outside === undefined ? '' : `        gateway: ${outside.gateway}\n        dns_nameservers: [${outside.dns}]\n`;
  return `version: 1
config:
  - type: physical
    name: eth0
    mac_address: "${mac}"
    subnets:
${address === undefined ? '      - type: dhcp4\n' : `      - type: static\n        address: ${address}\n${further}`}`;
}
