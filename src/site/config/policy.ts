import { formatSize, shortName, VtorqueError } from '../../base/index.ts';
import type { PartialRequest, VmRequest } from '../../request/index.ts';
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
  const { request, queue, host } = subject;
  const disabled = config.value('submit.disabled_hosts');
  if (matchesAny(host, disabled) || matchesAny(shortName(host), disabled)) {
    throw refusal(
      `Cannot submit a job for a VM from "${host}": the site does not take any here`,
      'Submit it on another host',
    );
  }
  const found = forbidden(config, queue, { ...request, net: request.net ?? 'user' });
  if (found !== undefined) throw refusal(found.message, found.hint);
  if (subject.ownImage && !config.value('policy.user_images', { queue })) {
    throw refusal(
      `Cannot use image "${request.img}": the site does not allow images of users' own`,
      'Ask the admin to add it to the pool of the site',
    );
  }
  await checkRestricted(config, subject);
}

interface Forbidden {
  /** For the user. */
  readonly message: string;
  readonly hint: string;
  /** For the admin, if it is his own default. */
  readonly reason: string;
}

/** The first value of a request that the site lets nobody have in a queue. */
export function forbidden(
  config: SiteConfig,
  queue: string | undefined,
  { img, kernel, vcpus, ram, net, mounts = [] }: PartialRequest,
): Forbidden | undefined {
  const where = { queue };
  const inQueue = queue === undefined ? '' : ` in queue "${queue}"`;
  const images = config.value('policy.images', where);
  if (img !== undefined && !matchesAny(img, images)) {
    return {
      message: `Cannot use image "${img}"${inQueue}: the site does not allow it`,
      hint: `Allowed: ${words(images)}`,
      reason: 'not among policy.images',
    };
  }
  if (kernel !== undefined && !config.value('policy.user_kernels', where)) {
    return {
      message: `Cannot use kernel="${kernel}"${inQueue}: the site does not allow kernels of users' own`,
      hint: "Leave it out: the image's own kernel is booted",
      reason: 'policy.user_kernels is false',
    };
  }
  const maxVcpus = config.value('policy.max_vcpus', where);
  if (vcpus !== undefined && maxVcpus > 0 && vcpus > maxVcpus) {
    return {
      message: `Cannot use vcpus=${vcpus}${inQueue}: the site allows ${maxVcpus}`,
      hint: `Ask for at most vcpus=${maxVcpus}`,
      reason: `more than policy.max_vcpus, ${maxVcpus}`,
    };
  }
  const maxRam = config.value('policy.max_ram', where);
  if (ram !== undefined && maxRam > 0 && ram > maxRam) {
    return {
      message: `Cannot use ram=${formatSize(ram)}${inQueue}: the site allows ${formatSize(maxRam)}`,
      hint: `Ask for at most ram=${formatSize(maxRam)}`,
      reason: `more than policy.max_ram, ${formatSize(maxRam)}`,
    };
  }
  if (net === 'bridge' && !hasBridge(config)) {
    return {
      message: 'Cannot use net=bridge: the site has no bridge for VMs',
      hint: 'Leave net= out: the VMs of the job then have a network of their own, with a way outside',
      reason: 'there is no network.bridge',
    };
  }
  const networks = config.value('policy.networks', where);
  if (net !== undefined && !networks.includes(net)) {
    return {
      message: `Cannot use net=${net}${inQueue}: the site does not allow it`,
      hint: `Allowed: ${words(networks)}`,
      reason: 'not among policy.networks',
    };
  }
  const folders = config.value('policy.mounts', where);
  const closed = mounts.find(({ host }) => !matchesAny(host, folders));
  if (closed === undefined) return undefined;
  return {
    message: `Cannot mount "${closed.host}" at "${closed.guest}": the site does not allow that folder`,
    hint: `Allowed: ${words(folders)}`,
    reason: 'not among policy.mounts',
  };
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

function words(list: readonly string[]): string {
  return list.length === 0 ? 'none' : list.join(', ');
}

function refusal(message: string, hint: string): VtorqueError {
  return new VtorqueError('E_POLICY', message, { hint, phase: 'check' });
}
