import { formatSize, VtorqueError } from '../../base/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { SiteConfig } from './site-config.ts';
import { matchesAny } from './types.ts';

/** Who asks, and for what, as far as the site's policy looks at it. */
export interface PolicyCase {
  readonly request: VmRequest;
  readonly queue?: string | undefined;
  readonly user: string;
  /** Names of his groups. */
  readonly groups: () => Promise<readonly string[]>;
  /** The image comes from the user's own pool. */
  readonly ownImage: boolean;
  readonly host: string;
}

/**
 * Refuse what the site does not want to be submitted.
 * @throws VtorqueError `E_POLICY`
 */
export async function checkPolicy(config: SiteConfig, subject: PolicyCase): Promise<void> {
  if (subject.request.net === 'bridge' && !hasBridge(config)) {
    throw refusal(
      'Cannot use net=bridge: the site has no bridge for VMs',
      'Leave net= out: the VMs of the job then have a network of their own, with a way outside',
    );
  }
  // Without a file everything is allowed.
  if (config.file === undefined) return;
  const { request, queue, host } = subject;
  const where = { queue };
  const inQueue = queue === undefined ? '' : ` in queue "${queue}"`;
  if (
    matchesAny(host, config.value('submit.disabled_hosts')) ||
    matchesAny(shortName(host), config.value('submit.disabled_hosts'))
  ) {
    throw refusal(
      `Cannot submit a job for a VM from "${host}": the site does not take any here`,
      'Submit it on another host',
    );
  }
  const images = config.value('policy.images', where);
  if (!matchesAny(request.img, images)) {
    throw refusal(
      `Cannot use image "${request.img}"${inQueue}: the site does not allow it`,
      `Allowed: ${words(images)}`,
    );
  }
  if (subject.ownImage && !config.value('policy.user_images', where)) {
    throw refusal(
      `Cannot use image "${request.img}": the site does not allow images of users' own`,
      'Ask the admin to add it to the pool of the site',
    );
  }
  if (request.kernel !== undefined && !config.value('policy.user_kernels', where)) {
    throw refusal(
      `Cannot use kernel="${request.kernel}"${inQueue}: the site does not allow kernels of users' own`,
      "Leave it out: the image's own kernel is booted",
    );
  }
  await checkRestricted(config, subject);
  const maxVcpus = config.value('policy.max_vcpus', where);
  if (maxVcpus > 0 && request.vcpus > maxVcpus) {
    throw refusal(
      `Cannot use vcpus=${request.vcpus}${inQueue}: the site allows ${maxVcpus}`,
      `Ask for at most vcpus=${maxVcpus}`,
    );
  }
  const maxRam = config.value('policy.max_ram', where);
  if (maxRam > 0 && request.ram > maxRam) {
    throw refusal(
      `Cannot use ram=${formatSize(request.ram)}${inQueue}: the site allows ${formatSize(maxRam)}`,
      `Ask for at most ram=${formatSize(maxRam)}`,
    );
  }
  const networks = config.value('policy.networks', where);
  const { net = 'user' } = request;
  if (!networks.includes(net)) {
    throw refusal(`Cannot use net=${net}${inQueue}: the site does not allow it`, `Allowed: ${words(networks)}`);
  }
  const folders = config.value('policy.mounts', where);
  for (const { host: folder, guest } of request.mounts ?? []) {
    if (matchesAny(folder, folders)) continue;
    throw refusal(
      `Cannot mount "${folder}" at "${guest}": the site does not allow that folder`,
      `Allowed: ${words(folders)}`,
    );
  }
}

/** Whether there is one on any node. */
function hasBridge(config: SiteConfig): boolean {
  const nodes = config.holders().flatMap((holder) => (holder.kind === 'node' ? [holder.pattern] : []));
  return [undefined, ...nodes].some((node) => config.value('network.bridge', { node }) !== '');
}

async function checkRestricted(config: SiteConfig, { request, queue, user, groups }: PolicyCase): Promise<void> {
  for (const [pattern, people] of Object.entries(config.value('policy.restricted', { queue }))) {
    if (!matchesAny(request.img, [pattern]) || people.includes(user)) continue;
    const wanted = people.filter((name) => name.startsWith('@')).map((name) => name.slice(1));
    if (wanted.length > 0 && (await groups()).some((group) => wanted.includes(group))) continue;
    throw refusal(
      `Cannot use image "${request.img}": the site allows it to some users only`,
      `Those are: ${words(people)}`,
    );
  }
}

function shortName(host: string): string {
  return host.split('.')[0] ?? host;
}

function words(list: readonly string[]): string {
  return list.length === 0 ? 'none' : list.join(', ');
}

function refusal(message: string, hint: string): VtorqueError {
  return new VtorqueError('E_POLICY', message, { hint, phase: 'check' });
}
