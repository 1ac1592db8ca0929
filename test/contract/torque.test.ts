import { pbsCluster, whyNoOperator, whyNoPbs } from './pbs-cluster.ts';
import { contract } from './suite.ts';

const skip = whyNoPbs('torque');

contract(
  'Torque',
  () =>
    pbsCluster('torque', {
      array: ['-t', '1-3'],
      elementVariable: 'PBS_ARRAYID',
      deleted: 271,
      overWalltime: -11,
    }),
  whyNoOperator('torque'),
  skip,
);
