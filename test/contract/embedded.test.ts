import { startCluster } from '../support/cluster.ts';
import { expectNoResidue, lookForResidue } from '../support/residue.ts';
import { type ContractCluster, pbsWords } from './cluster.ts';
import { contract } from './suite.ts';
import { contractOfDomains, DOMAIN } from './suite-names.ts';

contract('the embedded batch system', () => embedded(['node1', 'node2']), {});
contractOfDomains('the embedded batch system', () => embedded([`n1.${DOMAIN}`, `n2.${DOMAIN}`]), {});

async function embedded(nodes: readonly string[]): Promise<ContractCluster> {
  const clean = await lookForResidue();
  const cluster = await startCluster({ nodes, np: 4 });
  const { user, env } = cluster;
  const variables = { ...env, HOME: user.home, USER: user.name, LOGNAME: user.name, SHELL: '/bin/bash' };
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return {
    engine: 'embedded',
    asUser: [...user.become, 'env', ...words],
    asOperator: ['env', ...words],
    work: cluster.work,
    dialect: { ...pbsWords, array: ['-t', '1-3'], elementVariable: 'PBS_ARRAYID', overWalltime: -11 },
    [Symbol.asyncDispose]: async () => {
      await cluster[Symbol.asyncDispose]();
      await expectNoResidue(clean);
    },
  };
}
