import { pbsWords } from './cluster.ts';
import { pbsCluster, whyNoOperator, whyNoPbs } from './pbs-cluster.ts';
import { contract } from './suite.ts';

const skip = whyNoPbs('torque');

contract(
  'Torque',
  () =>
    pbsCluster('torque', {
      ...pbsWords,
      array: ['-t', '1-3'],
      elementVariable: 'PBS_ARRAYID',
      overWalltime: -11,
    }),
  whyNoOperator('torque'),
  skip,
);
