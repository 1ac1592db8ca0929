import { pbsWords } from './cluster.ts';
import { pbsCluster, whyNoOperator, whyNoPbs } from './pbs-cluster.ts';
import { contract } from './suite.ts';

const skip = whyNoPbs('openpbs');

contract(
  'OpenPBS',
  () =>
    pbsCluster('openpbs', {
      ...pbsWords,
      array: ['-J', '1-3'],
      elementVariable: 'PBS_ARRAY_INDEX',
      overWalltime: -29,
    }),
  whyNoOperator('openpbs'),
  skip,
);
