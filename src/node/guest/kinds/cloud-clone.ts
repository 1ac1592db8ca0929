import { VtorqueError } from '../../../base/index.ts';
import type { GuestAgent } from '../../../guest/linux/index.ts';
import { runInGuest } from './run-in-guest.ts';
import { systemUp } from './system-up.ts';

const preparedWithinMs = 300_000;
const namedWithinMs = 60_000;

/**
 * What must not be the same in all clones goes: keys of an ssh service, which the image's own makes when it starts for the first time. Drivers
 * that clones may need are loaded. Interfaces that come later keep their names, and a manager of networks leaves them alone: the agent sets them up.
 */
const preparation = `
for unit in ssh.socket ssh.service sshd.socket sshd.service; do systemctl stop $unit; done 2> /dev/null
rm -f /etc/ssh/ssh_host_*
for module in virtio_net virtiofs 9p 9pnet_virtio; do modprobe $module; done 2> /dev/null
mkdir -p /etc/systemd/network
cat > /etc/systemd/network/00-vtorque.link <<.
[Match]
OriginalName=*
[Link]
NamePolicy=
.
udevadm control --reload 2> /dev/null
if [ -d /etc/NetworkManager ]; then
  mkdir -p /etc/NetworkManager/conf.d
  printf '%s\\n' '[keyfile]' 'unmanaged-devices=interface-name:*' > /etc/NetworkManager/conf.d/90-vtorque.conf
  systemctl try-reload-or-restart NetworkManager 2> /dev/null
fi
for key in /etc/ssh/ssh_host_*; do [ ! -e "$key" ] || exit 1; done
sync
`;

/** A guest whose own system is up becomes the template of its image. */
export const templateOfCloud = {
  name: 'system 2',
  prepare: async (agent: GuestAgent): Promise<void> => {
    await systemUp(agent);
    const { ended, output } = await runInGuest(agent, ['/bin/sh', '-c', preparation], preparedWithinMs);
    if (ended === 'exit code 0') return;
    throw new VtorqueError('E_TEMPLATE', `Cannot keep a template: its preparation ended with ${ended}`, {
      phase: 'vm-start',
      details: output,
    });
  },
};

/** The interface that the clone has found, whatever its system calls it, gets the name that it has in all guests. */
const naming = `
udevadm settle --timeout=20 2> /dev/null
for device in /sys/class/net/*; do
  name=\${device##*/}
  [ -e "$device/device" ] && [ "$name" != eth0 ] || continue
  ip link set dev "$name" down && ip link set dev "$name" name eth0 && exit 0
done
[ -e /sys/class/net/eth0 ]
`;

/** Call the guest's one interface eth0, if it has one. It has that name already where the image's system heeds the preparation. */
export async function nameInterface(agent: GuestAgent): Promise<void> {
  const lines = (await agent.readFile('/proc/net/dev')).toString('latin1').split('\n').slice(2);
  const names = lines.map((line) => line.split(':', 1)[0]?.trim() ?? '').filter((name) => !['', 'lo'].includes(name));
  if (names.length === 0 || names.includes('eth0')) return;
  const { ended, output } = await runInGuest(agent, ['/bin/sh', '-c', naming], namedWithinMs);
  if (ended === 'exit code 0') return;
  throw new VtorqueError('E_GUEST_SETUP', `Cannot name the network interface of the guest: ${ended}`, {
    phase: 'guest',
    details: output,
  });
}
