import { pbsWords } from './cluster.ts';
import { pbsCluster, whyNoOperator, whyNoPbs } from './pbs-cluster.ts';
import { contract } from './suite.ts';

const skip = whyNoPbs('openpbs');

contract(
  'OpenPBS',
  () =>
    pbsCluster('openpbs', {
      ...pbsWords,
      // Its TERM may reach the script before the login shell above it, which then has its exit status, or be lost on a job that only just starts.
      deleted: [256 + 15, 128 + 15, 256 + 9],
      // It refuses brackets.
      oddName: 'a+1.b-2_c',
      // It knows no node by a name that is longer than its host's in nodes=.
      onNode: (node, slots) => `select=1:ncpus=${slots}:vnode=${node}`,
      array: ['-J', '1-3'],
      elementVariable: 'PBS_ARRAY_INDEX',
      overWalltime: -29,
    }),
  whyNoOperator('openpbs'),
  skip,
);
