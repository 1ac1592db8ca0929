import { access, constants, readFile, statfs } from 'node:fs/promises';
import { formatSize, messageOf } from '../../base/index.ts';
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

async function diskSpace({ places }: DoctorDeps): ReturnType<Check['run']> {
  const directories = new Set(['/tmp', '/var/tmp', ...places.map(({ cache }) => cache)]);
  const found = await Promise.all([...directories].map(async (directory) => spaceOf(directory)));
  return found.flat();
}

async function spaceOf(directory: string): ReturnType<Check['run']> {
  // A directory that is made when it is needed is on the file system of the nearest one that is there.
  const facts = await statfs(directory).catch(() => undefined);
  if (facts === undefined) return [];
  const free = facts.bavail * facts.bsize;
  const text = `${directory} has ${formatSize(Math.floor(free / MiB) * MiB)} left`;
  const remedy = 'Make room: guests keep what they write to their system there';
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
  return [fine(count === 0 ? 'none set aside; this version does not use them' : `${count} set aside`)];
}

async function sshd(): ReturnType<Check['run']> {
  return access('/usr/sbin/sshd', constants.X_OK).then(
    () => [fine('/usr/sbin/sshd is there')],
    () => [
      warning(
        "no /usr/sbin/sshd, which guests on the node's own system share",
        'Debian: openssh-server. This version does not use it',
      ),
    ],
  );
}
