import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DELIMITER, readStatus } from './status.ts';

/** As OpenPBS 23.06 has printed them, with fewer fields. */
const running = [
  'Job Id: 21.pbshead',
  'Job_Name=x',
  'Job_Owner=pba@pbshead',
  'resources_used.walltime=00:00:26',
  'job_state=R',
  'queue=workq',
  'server=pbshead',
  'exec_host=n1/0*4+n2/0*4+n3/0*4',
  'exec_vnode=(n1:ncpus=4)+(n2:ncpus=4)+(n3:ncpus=4)',
  'Resource_List.select=3:ncpus=4:mpiprocs=4',
  String.raw`Variable_List=PBS_O_HOME=/home/pba,X=a\^_b|c\,Y=c\nd`,
  'comment=Job run at Wed Nov 25 at 21:15 on (n1:ncpus=4)',
  'Submit_arguments=-l nodes=3:ppn=4',
];
const element = [
  'Job Id: 5[2].pbshead',
  'Job_Name=arr',
  'Job_Owner=pba@pbshead',
  'job_state=F',
  'queue=workq',
  'exec_host=n1/1',
  'Stageout_status=1',
  'Exit_status=-29',
  'array_id=5[].pbshead',
];
const line = (fields: readonly string[]): string => `${fields.join(DELIMITER)}\n`;

test('jobs and elements of arrays are read, one a line', () => {
  assert.deepEqual(readStatus(line(running) + line(element)), [
    { id: '21.pbshead', name: 'x', owner: 'pba', queue: 'workq', state: 'running', nodes: ['n1', 'n2', 'n3'] },
    { id: '5[2].pbshead', name: 'arr', owner: 'pba', queue: 'workq', state: 'complete', nodes: [], exitStatus: -29 },
  ]);
  assert.deepEqual(readStatus(''), []);
});

test('what is no job, or is in a state that does not exist, is refused', () => {
  assert.throws(() => readStatus('{}'), /is no job/);
  assert.throws(() => readStatus(line(element.with(3, 'job_state=Z'))), /unknown state/);
});

test('no value of a user changes what is said of his job', () => {
  const printable = fc.string({ unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text));
  fc.assert(
    fc.property(printable, (value) => {
      const [job] = readStatus(line([...element.slice(0, 6), `Variable_List=X=${value}`, ...element.slice(6)]));
      assert.equal(job?.exitStatus, -29);
    }),
  );
});
