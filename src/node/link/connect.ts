import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { messageOf, VtorqueError, within } from '../../base/index.ts';
import type { LinkKey } from './keys.ts';
import { linkTls } from './tls.ts';

/** Where the launcher of a job listens. */
export interface LauncherPlace {
  /** Names or addresses, the likeliest first. */
  readonly hosts: readonly string[];
  readonly port: number;
}

/** Until the next address is tried. */
const EACH_MS = 5_000;

/**
 * Connect to the launcher of the job and prove to be a node of it, as the launcher does.
 * @throws VtorqueError `E_NODE_CONNECT` with what each address answered, or the signal's reason
 */
export async function connectToLauncher(
  { hosts, port }: LauncherPlace,
  { identity, key }: LinkKey,
  signal?: AbortSignal,
): Promise<TLSSocket> {
  const answers: string[] = [];
  for (const host of hosts) {
    const socket = connect({
      ...linkTls,
      ...{ host, port },
      pskCallback: () => ({ psk: key, identity }),
      // There is no certificate: who knows the key is the launcher.
      checkServerIdentity: () => undefined,
    });
    try {
      await within(once(socket, 'secureConnect'), { ms: EACH_MS, late: () => new Error('no answer'), signal });
      return socket;
    } catch (error) {
      socket.on('error', () => {});
      socket.destroy();
      signal?.throwIfAborted();
      answers.push(`${host}: ${messageOf(error)}`);
    }
  }
  throw new VtorqueError('E_NODE_CONNECT', `Cannot reach the launcher of the job at port ${port}`, {
    hint: 'The nodes of a job must reach each other by TCP, as the batch system itself needs it',
    phase: 'plan',
    details: answers,
  });
}
