import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { Command } from 'commander';
import { messageOf, VtorqueError } from '../../base/index.ts';
// Not through the room's index, which loads the launcher.
import { consoleGone, findConsole } from '../../job/console/find.ts';
import { peerOf } from '../../process/index.ts';
import { ownPlaces, programsDirectory } from '../../site/index.ts';
import { consoleSession } from './session.ts';

/** `vtorque console JOB`. */
export function consoleCommand(): Command {
  return new Command('console')
    .description('a terminal of a shell in the VM of your running job, on the node where it runs')
    .argument('<job>', 'JOB or JOB/RANK, as qstat shows it')
    .option('--end', 'no terminal: let a VM that is kept after its script go')
    .action(async (wanted: string, { end }: { end?: true }) => {
      process.exitCode = await runConsole(wanted, end === true ? 'end' : 'shell');
    });
}

/**
 * @returns the exit code of the shell
 * @throws VtorqueError as `findConsole`; `E_TERMINAL`, `E_CONSOLE_ELSEWHERE`, `E_CONSOLE_LOST`
 */
async function runConsole(wanted: string, wish: 'shell' | 'end'): Promise<number> {
  if (wish === 'shell' && !isatty(0)) {
    throw new VtorqueError('E_TERMINAL', 'Cannot open a console: standard input is no terminal', {
      hint: 'Run it at a terminal; through ssh with: ssh -t NODE vtorque console JOB',
    });
  }
  const uid = process.getuid?.() ?? 0;
  const { job, place } = await findConsole(ownPlaces(process.env, uid).state, wanted);
  const socket = connect(`\0${place.socket}`);
  try {
    await once(socket, 'connect');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw lost(job, messageOf(error));
    if (place.host === hostname()) throw consoleGone(job);
    const command = `vtorque console ${wish === 'end' ? '--end ' : ''}${job}`;
    throw new VtorqueError(
      'E_CONSOLE_ELSEWHERE',
      `Cannot open a console of job "${job}": its VM is on "${place.host}", and this is "${hostname()}"`,
      { hint: `Run this there: ${command}; for instance with: ssh -t ${place.host} ${command}` },
    );
  }
  await checkPeer(socket, job, uid);
  const code = await consoleSession(socket, wish);
  if (code !== undefined) return code;
  throw lost(job, 'the launcher of the job has gone');
}

/** What is typed here is for the job's launcher alone. */
async function checkPeer(socket: Socket, job: string, uid: number): Promise<void> {
  const peer = await peerOf(join(programsDirectory, 'account'), socket).catch((error: unknown) => {
    throw lost(job, messageOf(error));
  });
  if (peer === uid) return;
  socket.destroy();
  throw lost(job, `what listens there belongs to uid ${peer}`);
}

function lost(job: string, why: string): VtorqueError {
  return new VtorqueError('E_CONSOLE_LOST', `Cannot go on with the console of job "${job}": ${why}`, {
    hint: '"qstat" shows whether the job still runs',
  });
}
