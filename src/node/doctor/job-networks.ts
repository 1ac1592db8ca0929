import { slirpProgram, whyNoJobNetwork } from '../../network/index.ts';
import { type Check, type DoctorDeps, fine, ordinaryUser, warning } from './finding.ts';
import { versionOf } from './programs.ts';

/** What the networks of jobs that need no root need of a node. */
export const jobNetworkChecks: readonly Check[] = [
  { name: 'job networks', roles: ['node'], run: jobNetworks },
  { name: 'outbound', roles: ['node'], run: outbound },
];

async function jobNetworks(deps: DoctorDeps): ReturnType<Check['run']> {
  const why = await whyNoJobNetwork(...ordinaryUser(deps));
  if (why === undefined) return [fine('ordinary users can make them')];
  return [warning([why.message, ...why.details].join(': '), why.hint ?? '')];
}

async function outbound({ env }: DoctorDeps): ReturnType<Check['run']> {
  const version = await versionOf(slirpProgram, ['--version'], env);
  if (version === undefined) {
    return [warning(`${slirpProgram} does not run: VMs reach nothing outside of their job`, 'Debian: slirp4netns')];
  }
  return [fine(version)];
}
