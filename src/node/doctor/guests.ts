import { messageOf } from '../../base/index.ts';
import { imagePools, listImages, resolveGuest, whyNotTrusted } from '../../image/index.ts';
import { loadConfig } from '../../site/config/load.ts';
import { agentProgram } from '../../site/index.ts';
import { canMakeUserNamespace, virtiofsdThere } from '../../storage/index.ts';
import { chooseAccelerator, knownAccelerator, trialBoot } from '../../vm/index.ts';
import { readSiteHooks, trialWith } from '../guest/index.ts';
import { type Check, type DoctorDeps, error, fine, ordinaryUser, warning } from './finding.ts';
import { versionOf } from './programs.ts';

/** What a guest needs of its node. */
export const guestChecks: readonly Check[] = [
  { name: 'qemu', roles: ['node'], run: qemu },
  { name: 'guest kernel', roles: ['node'], run: guestKernel },
  { name: 'accelerator', roles: ['node'], run: accelerator },
  { name: 'shared folders', roles: ['node'], run: sharedFolders },
  { name: 'images', roles: ['head', 'node'], run: images },
  { name: 'hooks in guests', roles: ['node'], run: hooksInGuests },
];

async function qemu({ env }: DoctorDeps): ReturnType<Check['run']> {
  const version = await versionOf('qemu-system-x86_64', ['--version'], env);
  if (version === undefined) {
    return [error('qemu-system-x86_64 does not run', 'Install QEMU on the node (Debian: qemu-system-x86)')];
  }
  return [fine(version)];
}

async function guestKernel({ places }: DoctorDeps): ReturnType<Check['run']> {
  try {
    const guest = await resolveGuest('host', { places, agent: agentProgram });
    return [fine(guest.kind === 'cloud' ? guest.name : `Linux ${guest.kernelRelease}`)];
  } catch (cause) {
    return [error(messageOf(cause), 'Set the installation up again, as root')];
  }
}

/** An ordinary user boots a guest for it, unless one did before; root runs no machine. */
async function accelerator({ places, uid, env }: DoctorDeps): ReturnType<Check['run']> {
  const guest = await resolveGuest('host', { places, agent: agentProgram }).catch(() => undefined);
  if (guest === undefined || guest.kind !== 'host') return [error('no guest kernel for a trial', 'See "guest kernel"')];
  const probe = trialWith(guest, places, env);
  const known =
    uid === 0
      ? await knownAccelerator(probe)
      : await chooseAccelerator({ ...probe, boot: trialBoot({ PATH: probe.path }) });
  if (known === undefined) {
    return [
      warning(
        '/dev/kvm opens, and no guest was booted with it yet',
        'Run it as an ordinary user, who makes the trial; else the first job does',
      ),
    ];
  }
  if (known.accelerator === 'kvm') return [fine(`KVM: ${known.reason}`)];
  return [
    warning(
      `QEMU's translator, many times slower than KVM: ${known.reason}`,
      'Load kvm_intel or kvm_amd, and let users open /dev/kvm (on a virtual machine: nested virtualisation)',
    ),
  ];
}

async function sharedFolders(deps: DoctorDeps): ReturnType<Check['run']> {
  if (!(await virtiofsdThere())) {
    return [warning('no virtiofsd: folders are served by 9p, slower on small files', 'Debian 12: qemu-system-common')];
  }
  if (!(await canMakeUserNamespace(...ordinaryUser(deps)))) {
    return [
      warning(
        'users may not make user namespaces: folders are served by 9p, slower on small files',
        'See sysctl user.max_user_namespaces and kernel.unprivileged_userns_clone',
      ),
    ];
  }
  return [fine('virtiofsd can run as an ordinary user')];
}

async function images({ places, uid }: DoctorDeps): ReturnType<Check['run']> {
  const pools = imagePools(places);
  const { entries, problems } = await listImages(pools);
  const disks = entries.filter((entry) => entry.kind === 'disk');
  const distrusted = await Promise.all(disks.map(async ({ dir }) => whyNotTrusted(dir, uid)));
  return [
    ...problems.map(({ dir, reason }) => error(`${dir}: ${reason}`, 'Add the image again, or remove the directory')),
    ...distrusted.flatMap((why) =>
      why === undefined ? [] : [error(why, 'Let only root, or its owner, write there: chmod go-w')],
    ),
    fine(`${entries.length} guest systems: ${entries.map(({ name }) => name).join(', ')}`),
  ];
}

/** What would fail every job of this node. */
async function hooksInGuests({ env, uid }: DoctorDeps): ReturnType<Check['run']> {
  const config = await loadConfig(env, uid).catch(() => undefined);
  const directory = config?.value('guests.hooks') ?? '';
  if (directory === '') return [];
  try {
    const names = [...(await readSiteHooks(directory, uid)).keys()];
    return [fine(`${directory}: ${names.length === 0 ? 'none' : names.join(', ')}`)];
  } catch (cause) {
    return [error(messageOf(cause), 'Every job fails with this: see docs/guest-hooks.md')];
  }
}
