import { startCluster } from '../support/cluster.ts';
import { contract } from './suite.ts';

contract(
  'the embedded batch system',
  async () => {
    const cluster = await startCluster({ nodes: 2, np: 4 });
    const { user, env } = cluster;
    const variables = { ...env, HOME: user.home, USER: user.name, LOGNAME: user.name, SHELL: '/bin/bash' };
    const inEnvironment = ['env', ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)];
    return {
      engine: 'embedded',
      asUser: [...user.become, ...inEnvironment],
      // Whoever runs the tests has started it.
      asOperator: inEnvironment,
      work: cluster.work,
      dialect: { array: ['-t', '1-3'], elementVariable: 'PBS_ARRAYID', deleted: 271, overWalltime: -11 },
      [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
    };
  },
  {},
);
