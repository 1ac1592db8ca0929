import { chown, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { expectNoResidue, lookForResidue } from '../support/residue.ts';
import { startSlurm, whyNoSlurm } from '../support/slurm.ts';
import { aUser } from '../support/users.ts';
import type { ContractCluster } from './cluster.ts';
import { contract } from './suite.ts';
import { contractOfDomains, DOMAIN } from './suite-names.ts';

const skip = (await whyNoSlurm()) ?? false;
const lacks = {
  walltime: 'Slurm ends a job up to a minute and a half after a walltime of seconds; see test/slurm.test.ts',
};

contract('Slurm', () => slurmCluster(), lacks, skip);
contractOfDomains('Slurm', () => slurmCluster(DOMAIN), lacks, skip);

async function slurmCluster(domain?: string): Promise<ContractCluster> {
  const clean = await lookForResidue();
  const slurm = await startSlurm({ nodes: 2, domain });
  const user = aUser();
  const work = await mkdtemp(join(user.home, 'work-'));
  await chown(work, user.uid, user.gid);
  const variables = {
    ...slurm.env,
    ...{ PATH: '/usr/bin:/bin', HOME: user.home, USER: user.name, LOGNAME: user.name },
    ...{ SHELL: '/bin/bash', LANG: 'C.UTF-8' },
  };
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return {
    engine: 'slurm',
    asUser: [...user.become, 'env', '-i', ...words],
    asOperator: ['env', '-i', ...words],
    work,
    dialect: {
      array: ['-t', '1-3'],
      arrayId: /^\d+$/,
      oddName: 'a[1-2]',
      onNode: (node, slots) => `nodes=${node}:ppn=${slots}`,
      element: (id, index) => `${id}_${index}`,
      // What PBS sets is there in VMs alone, where the launcher knows it.
      elementVariable: 'SLURM_ARRAY_TASK_ID',
      jobVariable: 'SLURM_JOB_ID',
      slots: 'srun printenv SLURMD_NODENAME | sort',
      requeue: (id) => ['scontrol', 'requeue', id],
      terminated: 256 + 15,
      deleted: [256 + 15],
      overWalltime: -11,
    },
    [Symbol.asyncDispose]: async () => {
      await slurm[Symbol.asyncDispose]();
      user[Symbol.dispose]();
      await expectNoResidue(clean);
    },
  };
}
