import { VtorqueError } from '../../base/index.ts';
import type { GuestAgent } from '../../guest/linux/index.ts';
import { deviceWaitMs, jobDirectory } from './kinds/index.ts';
import { runInGuest } from './kinds/run-in-guest.ts';

const SCRIPT = `${jobDirectory}/dhcp`;
/** The client itself gives up before. */
const CLIENT_MS = 120_000;

/**
 * Have a guest ask the site's DHCP server for its address, and again before that runs out, as long as the guest is up.
 * @param keepsNameServers leave /etc/resolv.conf as it is
 * @throws VtorqueError `E_GUEST_ADDRESS` with the last words of the client
 */
export async function leaseAddress(agent: GuestAgent, name: string, keepsNameServers: boolean): Promise<void> {
  await agent.configureNet({ iface: 'eth0', waitMs: deviceWaitMs });
  await agent.writeFile(SCRIPT, script, { mode: 0o700, uid: 0, gid: 0 });
  const { ended, output } = await runInGuest(agent, [SCRIPT, 'start', keepsNameServers ? 'keep' : 'take'], CLIENT_MS);
  if (ended === 'exit code 0') return;
  const state =
    ended === 'exit code 127' ? 'it has neither udhcpc (busybox) nor dhclient' : `the DHCP client ended with ${ended}`;
  throw new VtorqueError('E_GUEST_ADDRESS', `Cannot give guest "${name}" an address: ${state}`, {
    hint: 'See whether the DHCP server of the site knows the hardware address of the VM, and whether the image has a client',
    phase: 'network',
    details: output,
  });
}

/** Begins as itself and is then what udhcpc calls at each event, with what it was told in variables. */
const script = `#!/bin/sh
state=${jobDirectory}/dhcp-address
log=${jobDirectory}/dhcp.log
tool() { if command -v "$1" >/dev/null; then "$@"; else busybox "$@"; fi; }
case $1 in
  start)
    export NAME_SERVERS="$2"
    if tool udhcpc --help >/dev/null 2>&1; then
      tool udhcpc -i eth0 -n -t 10 -T 3 -s "$0" -p ${jobDirectory}/udhcpc.pid >"$log" 2>&1 </dev/null
    elif command -v dhclient >/dev/null; then
      dhclient -1 -v -pf ${jobDirectory}/dhclient.pid -lf ${jobDirectory}/dhclient.leases eth0 >"$log" 2>&1 </dev/null
    else
      exit 127
    fi
    code=$?
    [ $code = 0 ] || cat "$log"
    exit $code
    ;;
  bound | renew)
    if [ "$(cat "$state" 2>/dev/null)" != "$ip/$mask" ]; then
      tool ip -4 address flush dev "$interface"
      tool ip address add "$ip/$mask" broadcast + dev "$interface" || exit 1
      echo "$ip/$mask" >"$state"
    fi
    for address in $router; do
      tool ip route replace default via "$address" dev "$interface"
      break
    done
    if [ "$NAME_SERVERS" = take ] && [ -n "$dns" ]; then
      {
        for address in $dns; do echo "nameserver $address"; done
        [ -z "$search$domain" ] || echo "search \${search:-$domain}"
      } >/etc/resolv.conf
    fi
    ;;
  deconfig)
    tool ip link set "$interface" up
    ;;
esac
`;
