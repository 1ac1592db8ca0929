import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf, VtorqueError } from '../../base/index.ts';
// Not through the room's index, which loads the launcher.
import { consoleGone, findConsole, type Wanted } from '../../job/console/find.ts';
import { peerOf } from '../../process/index.ts';
import { ownPlaces, programsDirectory } from '../../site/index.ts';

export interface OpenedDoor {
  readonly socket: Socket;
  /** The job's whole id. */
  readonly job: string;
  /** Of the VM that is meant. */
  readonly rank: number;
}

export interface Knock {
  readonly action: Wanted;
  /** The command that does it, on another node. */
  readonly command: (job: string) => string;
}

/**
 * A connection to the launcher of a running job of this user.
 * @param wanted JOB or JOB/RANK
 * @throws VtorqueError as `findConsole`; `E_CONSOLE_ELSEWHERE`, `E_CONSOLE_LOST`
 */
export async function knock(wanted: string, { action, command }: Knock): Promise<OpenedDoor> {
  const uid = process.getuid?.() ?? 0;
  const { job, place, rank } = await findConsole(ownPlaces(process.env, uid).state, wanted, action);
  const socket = connect(`\0${place.socket}`);
  try {
    await once(socket, 'connect');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw lost(job, messageOf(error));
    if (place.host === hostname()) throw consoleGone(job, action);
    throw new VtorqueError(
      'E_CONSOLE_ELSEWHERE',
      `Cannot ${action} job "${job}": its VM is on "${place.host}", and this is "${hostname()}"`,
      { hint: `Run this there: ${command(job)}; for instance with: ssh -t ${place.host} ${command(job)}` },
    );
  }
  await checkPeer(socket, job, uid);
  return { socket, job, rank };
}

/** What is said here is for the job's launcher alone. */
async function checkPeer(socket: Socket, job: string, uid: number): Promise<void> {
  const peer = await peerOf(join(programsDirectory, 'account'), socket).catch((error: unknown) => {
    throw lost(job, messageOf(error));
  });
  if (peer === uid) return;
  socket.destroy();
  throw lost(job, `what listens there belongs to uid ${peer}`);
}

/** The connection has broken off. */
export function lost(job: string, why: string): VtorqueError {
  return new VtorqueError('E_CONSOLE_LOST', `Cannot go on with job "${job}": ${why}`, {
    hint: '"qstat" shows whether the job still runs',
  });
}
