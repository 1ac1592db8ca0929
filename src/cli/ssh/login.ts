import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { shellQuote, VtorqueError } from '../../base/index.ts';
import { greetingLine, type LoginAnswer } from '../../job/console/greeting.ts';
import { installRoot } from '../../site/index.ts';
import { type Knock, knock, lost } from '../console/knock.ts';

/** What a program of OpenSSH is started with to reach a VM. Dispose of it when that has ended. */
export interface Login extends Disposable {
  /** `-o` and others, for ssh and scp. */
  readonly options: readonly string[];
  /** What stands for the VM as the host. */
  readonly host: string;
}

/** The host key is the job's; names of VMs are the same in many jobs. */
const hostKeyAlias = 'vtorque';

/**
 * Ask the launcher of a running job how to log in to a VM of it.
 * @param wanted JOB or JOB/RANK
 * @throws VtorqueError as `knock`; `E_SSH_REFUSED`
 */
export async function askLogin(wanted: string, how: Knock): Promise<Login> {
  const { socket, job, rank } = await knock(wanted, how);
  socket.write(greetingLine({ version: 1, terminalType: 'dumb', wish: 'login', rank }));
  const line = await text(socket).catch(() => '');
  if (line === '') throw lost(job, 'the launcher of the job did not answer');
  const answer = JSON.parse(line) as LoginAnswer;
  if ('why' in answer) {
    throw new VtorqueError('E_SSH_REFUSED', `Cannot log in to job "${job}": ${answer.why}`, { hint: answer.hint });
  }
  return loginBy(answer, job, rank);
}

/** Pure but for the files, which have no name and are gone with this process. */
function loginBy(answer: Extract<LoginAnswer, { user: string }>, job: string, rank: number): Login {
  const { user, name, identity, hostKey, through } = answer;
  const files = [identity, `${hostKeyAlias} ${hostKey}\n`].map(unnamedFile);
  const [key = '', known = ''] = files.map((fd) => `/proc/${process.pid}/fd/${fd}`);
  const options = [
    // The user's own settings are for other hosts; a connection that is shared by name would be one to another job.
    ...['-F', '/dev/null'],
    ...setting('User', user),
    ...setting('IdentityFile', key),
    ...setting('IdentitiesOnly', 'yes'),
    ...setting('IdentityAgent', 'none'),
    ...setting('PreferredAuthentications', 'publickey'),
    ...setting('HostKeyAlias', hostKeyAlias),
    ...setting('UserKnownHostsFile', known),
    ...setting('GlobalKnownHostsFile', '/dev/null'),
    ...setting('StrictHostKeyChecking', 'yes'),
    ...setting('UpdateHostKeys', 'no'),
    ...setting('SendEnv', 'LANG LC_*'),
  ];
  const door = [join(installRoot, 'bin/vtorque'), 'ssh', '--stdio', `${job}/${through?.rank ?? rank}`];
  const first = setting('ProxyCommand', commandOf(door));
  const proxy =
    through === undefined
      ? first
      : setting('ProxyCommand', commandOf(['ssh', ...options, ...first, '-W', `${name}:22`, through.name]));
  return {
    options: [...options, ...proxy],
    host: name,
    [Symbol.dispose]: () => {
      for (const fd of files) closeSync(fd);
    },
  };
}

function setting(name: string, value: string): string[] {
  return ['-o', `${name}=${value}`];
}

/** For ssh, which expands percent signs before a shell reads it. */
function commandOf(words: readonly string[]): string {
  return words.map(shellQuote).join(' ').replaceAll('%', '%%');
}

/** Linux; Node does not name it. With it comes O_DIRECTORY. */
const O_TMPFILE = 0o20_000_000 | constants.O_DIRECTORY;

/** ssh reads a key from a file of its user's. This one is in memory where there is such a place, and has no name anywhere. */
function unnamedFile(content: string): number {
  const errors: unknown[] = [];
  for (const directory of ['/dev/shm', tmpdir()]) {
    try {
      const fd = openSync(directory, O_TMPFILE | constants.O_RDWR, 0o600);
      writeSync(fd, content);
      return fd;
    } catch (error) {
      errors.push(error);
    }
  }
  throw errors[0];
}
