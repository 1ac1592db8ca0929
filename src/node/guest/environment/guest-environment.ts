import type { GuestFiles, GuestIdentity } from '../guest-setup.ts';
import { mpiVariables } from '../mpi.ts';
import { systemVariables } from './job-variables.ts';
import { vmVariables } from './vm-variables.ts';

/**
 * The variables of everything that runs in a guest as the job's owner: the script, shells, his hooks, sessions of ssh. A session adds what is
 * its own (`TERM`). Pure.
 */
export function guestEnvironment(identity: GuestIdentity, files: Pick<GuestFiles, 'nodeFile'>): Record<string, string> {
  return { ...mpiVariables(files.nodeFile), ...identity.variables, ...factsOf(identity, files) };
}

/** Those of what runs there as root for the site: the job's, without anything that the user has chosen. Pure. */
export function systemEnvironment(
  identity: GuestIdentity,
  files: Pick<GuestFiles, 'nodeFile'>,
): Record<string, string> {
  return { ...systemVariables(identity.variables), ...factsOf(identity, files) };
}

function factsOf(
  { vms, vm, context, guest, distro, variables }: GuestIdentity,
  { nodeFile }: Pick<GuestFiles, 'nodeFile'>,
): Record<string, string> {
  const { node: host } = context.key;
  return vmVariables({ vms, vm, host, nodeFile, image: guest.name, distro, job: variables });
}
