import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { torqueDialect } from './dialect.ts';
import { parseTorqueXml } from './xml.ts';

/** As Torque 6.1 has printed it, with fewer fields. */
const RUNNING =
  '<Job><Job_Id>687.tqhead</Job_Id><Job_Name>long</Job_Name><Job_Owner>tqa@tqhead</Job_Owner><job_state>R</job_state>' +
  '<queue>batch</queue><exec_host>n2/0-1+n1/0-1</exec_host><Resource_List><nodes>2:ppn=2</nodes><walltime>00:01:30</walltime>' +
  '</Resource_List><session_id>0</session_id><submit_args>-N long -l nodes=2:ppn=2 -A proj -v IMG=foo</submit_args></Job>';
const COMPLETE =
  '<Job><Job_Id>689[1].tqhead</Job_Id><Job_Name>arr-1</Job_Name><Job_Owner>tqa@tqhead</Job_Owner><resources_used>' +
  '<cput>00:00:00</cput></resources_used><job_state>C</job_state><queue>batch</queue><exec_host>n1/2</exec_host>' +
  '<exit_status>271</exit_status></Job>';
const list = (...rows: string[]): string => `<?xml version="1.0"?>\n<Data>${rows.join('')}</Data>\n`;

test('jobs are read from the XML of qstat', () => {
  assert.deepEqual(torqueDialect.readStatus(list(RUNNING, COMPLETE)), [
    { id: '687.tqhead', name: 'long', owner: 'tqa', queue: 'batch', state: 'running', nodes: ['n2', 'n1'] },
    { id: '689[1].tqhead', name: 'arr-1', owner: 'tqa', queue: 'batch', state: 'complete', nodes: [], exitStatus: 271 },
  ]);
  assert.deepEqual(torqueDialect.readStatus(list()), []);
  assert.throws(() => torqueDialect.readStatus(''));
  assert.equal(torqueDialect.readStatus(list(RUNNING) + list(COMPLETE)).length, 2);
});

test('what is no list of jobs is refused, also where it is only cut off', () => {
  const whole = list(RUNNING, COMPLETE);
  assert.throws(() => torqueDialect.readStatus('qstat: something else'));
  assert.throws(() => torqueDialect.readStatus('<Data><Node></Node></Data>'), /no list of elements "Job"/);
  assert.throws(() => torqueDialect.readStatus(list(RUNNING.replace('>R<', '>?<'))), /unknown state "\?"/);
  assert.throws(() => torqueDialect.readStatus(list('<Job><job_state>R</job_state></Job>')), /without an id/);
  const end = whole.lastIndexOf('>') + 1;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: end - 1 }), (length) => {
      assert.throws(() => torqueDialect.readStatus(whole.slice(0, length)));
    }),
  );
});

test('no name of a job is taken for markup', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const text = name.replaceAll('\x0e', '').replaceAll('<', '\x0e');
      const [job] = torqueDialect.readStatus(list(RUNNING.replace('>long<', () => `>${text}<`)));
      assert.equal(job?.name, name.replaceAll('\x0e', ''));
      assert.equal(job?.id, '687.tqhead');
    }),
  );
});

test('nodes are read from the XML of pbsnodes; one that has never said what it has is left out', () => {
  const node = (name: string, state: string, status: string): string =>
    `<Node><name>${name}</name><state>${state}</state><power_state>Running</power_state><np>4</np><ntype>cluster</ntype>` +
    `${status}<mom_service_port>15002</mom_service_port></Node>`;
  const status =
    '<status>opsys=linux,uname=Linux n1 6.1 #1 SMP @0 x86_64,totmem=24684092kb,physmem=24684092kb,ncpus=2,gres=,varattr= ,state=free</status>';
  assert.deepEqual(torqueDialect.readNodes(list(node('n1', 'free', status), node('n2', 'down', ''))), [
    { name: 'n1', np: 4, memory: 24684092 * 1024, state: 'free' },
  ]);
  assert.equal(torqueDialect.readNodes(list(node('n2', 'down', ''))), undefined);
});

test('queues that take jobs are read from qstat -Qf', () => {
  const queue = (name: string, enabled: string): string =>
    `Queue: ${name}\n    queue_type = Execution\n    total_jobs = 225\n    enabled = ${enabled}\n    started = True\n\n`;
  assert.deepEqual(torqueDialect.readQueues(queue('batch', 'True') + queue('old', 'False') + queue('long', 'True')), [
    'batch',
    'long',
  ]);
  assert.throws(() => torqueDialect.readQueues('qstat: hello'), /no list of queues/);
});

test('elements are nested as they are, and each end belongs to a beginning', () => {
  assert.deepEqual(parseTorqueXml('<a><b>x &amp; y</b><c/></a>'.replace('<c/>', '<c></c>')), [
    {
      name: 'a',
      text: '',
      children: [
        { name: 'b', text: 'x &amp; y', children: [] },
        { name: 'c', text: '', children: [] },
      ],
    },
  ]);
  for (const wrong of ['x', '<a>', '</a>', '<a></b>', '<a', '<a></a>x', '<a><b></a></b>', '<<a></a>']) {
    assert.throws(() => parseTorqueXml(wrong), wrong);
  }
});
