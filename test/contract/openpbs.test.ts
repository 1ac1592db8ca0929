import { pbsCluster, whyNoOperator, whyNoPbs } from './pbs-cluster.ts';
import { contract } from './suite.ts';

const skip = whyNoPbs('openpbs');

contract(
  'OpenPBS',
  () =>
    pbsCluster('openpbs', {
      array: ['-J', '1-3'],
      elementVariable: 'PBS_ARRAY_INDEX',
      deleted: 271,
      overWalltime: -29,
    }),
  whyNoOperator('openpbs'),
  skip,
);
