import type { GuestIdentity } from './guest-setup.ts';

/**
 * The groups in which the job's owner is in the guest.
 * virtiofsd shows files of the user's other groups as owned by the overflow group; being in it lets the guest's kernel
 * ask the host, which decides.
 */
export function guestGroups({ context, mounts }: Pick<GuestIdentity, 'context' | 'mounts'>): number[] {
  const overflow = mounts.some(({ type }) => type === 'virtiofs') ? [65534] : [];
  return [...context.owner.groups.map(({ gid }) => gid), ...overflow];
}
