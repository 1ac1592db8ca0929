import { startCluster } from '../support/cluster.ts';
import type { Lacks } from './cluster.ts';
import { contract } from './suite.ts';

const lacks: Lacks = {
  queues: 'the embedded batch system does not tell its queues',
  requeue: 'the embedded batch system has no qrerun',
  dependencies: 'the embedded batch system has no -W depend',
};

contract(
  'the embedded batch system',
  async () => {
    const cluster = await startCluster({ nodes: 2, np: 4 });
    const { user, env } = cluster;
    const variables = { ...env, HOME: user.home, USER: user.name, LOGNAME: user.name, SHELL: '/bin/bash' };
    return {
      engine: 'embedded',
      asUser: [...user.become, 'env', ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)],
      work: cluster.work,
      dialect: { array: ['-t', '1-3'], elementVariable: 'PBS_ARRAYID', deleted: 271, overWalltime: -11 },
      [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
    };
  },
  lacks,
);
