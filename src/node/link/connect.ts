import type { TLSSocket } from 'node:tls';
import { VtorqueError } from '../../base/index.ts';
import { connectToPeer, type LinkKey, type PeerPlace } from '../../link/index.ts';

/** Where the launcher of a job listens. */
export type LauncherPlace = PeerPlace;

/**
 * Connect to the launcher of the job and prove to be a node of it, as the launcher does.
 * @throws VtorqueError `E_NODE_CONNECT` with what each address answered, or the signal's reason
 */
export function connectToLauncher(place: LauncherPlace, key: LinkKey, signal?: AbortSignal): Promise<TLSSocket> {
  const unreachable = (details: readonly string[]): VtorqueError =>
    new VtorqueError('E_NODE_CONNECT', `Cannot reach the launcher of the job at port ${place.port}`, {
      hint: 'The nodes of a job must reach each other by TCP, as the batch system itself needs it',
      phase: 'plan',
      details,
    });
  return connectToPeer(place, key, unreachable, signal);
}
