import { VtorqueError } from '../base/index.ts';
import { describeEnd, type ProcessEnd } from '../process/index.ts';

interface Failure {
  readonly code: string;
  readonly state: string;
  readonly hint: string;
}

const report = 'This is a mistake in vTorque: please report it with these lines and the command';

/** What the program `jobnet` says by its exit code (src/network/native/jobnet.h). */
const failures: Readonly<Record<number, Failure>> = {
  70: {
    code: 'E_NETWORK_NAMESPACE',
    state: 'ordinary users get no user and network namespaces on this node',
    hint: 'Allow them (user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns), or ask for -vm net=none',
  },
  71: {
    code: 'E_NETWORK_TUN',
    state: '/dev/net/tun cannot be opened by ordinary users on this node',
    hint: 'Load tun, and give the device mode 0666 as udev does; or ask for -vm net=none',
  },
  72: { code: 'E_NETWORK_BRIDGE', state: "the node's kernel makes no bridge", hint: 'Load the module bridge' },
  73: { code: 'E_NETWORK_TAP', state: 'there is no tap for it', hint: report },
  74: {
    code: 'E_NETWORK_TAP',
    state: 'the tap that the hooks have made cannot be used',
    hint: 'It must belong to the owner of the job, and nobody else may use it',
  },
  75: { code: 'E_NETWORK_MTU', state: 'its MTU is not possible', hint: 'See network.mtu: 576 to 65521' },
  76: { code: 'E_NETWORK_LOST', state: 'it is gone', hint: 'Somebody has ended the process that holds it' },
};

/** Why `jobnet` ended instead of doing its work. */
export function jobnetFailure(end: ProcessEnd, details: readonly string[]): VtorqueError {
  const { code, state, hint } = failures[end.code ?? -1] ?? {
    ...{ code: 'E_NETWORK', state: `its program ended ${describeEnd(end)}`, hint: report },
  };
  return new VtorqueError(code, `Cannot set up the job's network: ${state}`, { hint, phase: 'network', details });
}

/** @param what the process that ended while it was needed */
export function networkLost(what: string, end: ProcessEnd, details: readonly string[]): VtorqueError {
  return new VtorqueError(
    'E_NETWORK_LOST',
    `Cannot go on: the job's network is lost: ${what} ended ${describeEnd(end)}`,
    {
      ...{ phase: 'network', details },
      hint: 'Somebody has ended the process, or the node has no memory left',
    },
  );
}

export function badMtu(mtu: number): VtorqueError {
  return new VtorqueError('E_NETWORK_MTU', `Cannot set up the job's network: its MTU ${mtu} is not possible`, {
    hint: `Set network.mtu to a number from ${smallestMtu} to ${largestMtu}`,
    phase: 'network',
  });
}

/** What IPv4 must pass, and what a tap can. */
export const smallestMtu = 576;
export const largestMtu = 65521;

/** Why `jobnet tap`, which stands before a program, did not become it; undefined if that program itself has ended. */
export function tapFailure(end: ProcessEnd, details: readonly string[]): VtorqueError | undefined {
  return failures[end.code ?? -1] === undefined ? undefined : jobnetFailure(end, details);
}
