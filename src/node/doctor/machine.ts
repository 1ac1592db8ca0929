import { access, constants, readFile, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { formatSize, messageOf, shortName } from '../../base/index.ts';
import { loadConfig } from '../../site/config/load.ts';
import { type Check, type DoctorDeps, error, fine, warning } from './finding.ts';
import { versionOf } from './programs.ts';

/** The machine itself. */
export const machineChecks: readonly Check[] = [
  { name: 'disk space', roles: ['head', 'node'], run: diskSpace },
  { name: 'clock', roles: ['head', 'node'], run: clock },
  { name: 'vhost-net', roles: ['node'], run: vhostNet },
  { name: 'huge pages', roles: ['node'], run: hugePages },
  { name: 'sshd', roles: ['node'], run: sshd },
];

const MiB = 1024 ** 2;
const enough = 1024 * MiB;
const tooLittle = 64 * MiB;

async function diskSpace({ places, env, uid }: DoctorDeps): ReturnType<Check['run']> {
  // That the configuration cannot be read, another check says.
  const config = await loadConfig(env, uid).catch(() => undefined);
  const scratch = config?.value('storage.scratch', { node: shortName(hostname()) }) || '/var/tmp';
  const uses = new Map(places.map(({ cache }) => [cache, 'kernels and templates of guests are kept there']));
  uses.set('/tmp', 'sockets and small files of jobs are there');
  uses.set(scratch, 'guests keep what they write to their system there');
  const found = await Promise.all([...uses].map(([directory, use]) => spaceOf(directory, use)));
  return found.flat();
}

async function spaceOf(directory: string, use: string): ReturnType<Check['run']> {
  const facts = await statfs(directory).catch((cause: NodeJS.ErrnoException) => cause);
  if (facts instanceof Error) {
    // One that is made when it is needed is on the file system of the nearest one that is there.
    if (facts.code === 'ENOENT' && dirname(directory) !== directory) return spaceOf(dirname(directory), use);
    return [warning(`${directory}: ${facts.code}`, 'See that its file system is mounted')];
  }
  const free = facts.bavail * facts.bsize;
  const text = `${directory} has ${formatSize(Math.floor(free / MiB) * MiB)} left`;
  const remedy = `Make room: ${use}`;
  if (free < tooLittle) return [error(text, remedy)];
  return [free < enough ? warning(text, remedy) : fine(text)];
}

async function clock({ env }: DoctorDeps): ReturnType<Check['run']> {
  const answer = await versionOf('timedatectl', ['show', '--property=NTPSynchronized', '--value'], env);
  if (answer === 'yes') return [fine('synchronised')];
  if (answer === 'no') return [warning('not synchronised', 'Start a time service, such as chrony')];
  return [warning('it is not known whether it is synchronised: no answer from timedatectl', 'See to it that it is')];
}

async function vhostNet(): ReturnType<Check['run']> {
  return access('/dev/vhost-net', constants.R_OK | constants.W_OK).then(
    () => [fine('/dev/vhost-net opens')],
    (cause: unknown) => [
      warning(
        `/dev/vhost-net: ${messageOf(cause)}`,
        'Load vhost_net, and let users open it: without it QEMU itself moves the frames of VMs',
      ),
    ],
  );
}

async function hugePages(): ReturnType<Check['run']> {
  const text = await readFile('/proc/meminfo', 'utf8');
  const count = Number(/^HugePages_Total:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  return [fine(count === 0 ? 'none set aside, so jobs with hugepages=true do not run here' : `${count} set aside`)];
}

async function sshd(): ReturnType<Check['run']> {
  return access('/usr/sbin/sshd', constants.X_OK).then(
    () => [fine('/usr/sbin/sshd is there')],
    () => [
      warning(
        "no /usr/sbin/sshd: guests on the node's own system, which share its programs, have no ssh, and so no MPI over several VMs",
        'Debian: openssh-server; it need not run on the node',
      ),
    ],
  );
}
