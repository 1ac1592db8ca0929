// Runs inside a network namespace, which stands for a node: prepares or releases networks of a job there.
import { prepareNetwork } from '../../src/node/network/prepare.ts';
import { releaseNetwork } from '../../src/node/network/release.ts';

const { event, ...input } = JSON.parse(process.argv[2] ?? '') as { event: 'prepare' | 'release' } & Parameters<
  typeof prepareNetwork
>[0];
if (event === 'prepare') await prepareNetwork(input);
else await releaseNetwork(input.job.key, input.places);
