import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openpbsDialect } from './dialect.ts';

const answer = (rows: object): string =>
  JSON.stringify({ timestamp: 1795330824, pbs_version: '23.06.06', pbs_server: 'pbshead', ...rows });

/** As OpenPBS 23.06 has printed it, with fewer fields. */
const job = {
  Job_Name: 'json',
  Job_Owner: 'pba@n1',
  job_state: 'R',
  queue: 'workq',
  server: 'pbshead',
  ctime: 'Sun Nov 22 07:00:22 2026',
  exec_host: 'n1/0+n2/0*2',
  exec_vnode: '(n1:ncpus=1:mem=102400kb)+(n2:ncpus=2:mem=102400kb)',
  Resource_List: { ncpus: 2, nodect: 2, place: 'scatter', select: '2:ncpus=1:mem=100mb' },
  Variable_List: { FOO: 'a b', B: 'x\ny' },
};

test('jobs are read from the JSON of qstat', () => {
  const over = { ...job, Job_Name: 5, job_state: 'F', Exit_status: -29 };
  assert.deepEqual(openpbsDialect.readStatus(answer({ Jobs: { '357.pbshead': job, '89[3].pbshead': over } })), [
    { id: '357.pbshead', name: 'json', owner: 'pba', queue: 'workq', state: 'running', nodes: ['n1', 'n2'] },
    { id: '89[3].pbshead', name: '5', owner: 'pba', queue: 'workq', state: 'complete', nodes: [], exitStatus: -29 },
  ]);
  assert.deepEqual(openpbsDialect.readStatus(answer({})), []);
});

test('what no server has said is refused', () => {
  for (const text of ['', '{}', '[]', 'null', '{"Jobs":{}}', answer({ Jobs: [] }), answer({ Jobs: { a: 1 } })]) {
    assert.throws(() => openpbsDialect.readStatus(text), text);
  }
  assert.throws(
    () => openpbsDialect.readStatus(answer({ Jobs: { '1.a': { ...job, job_state: 'Z' } } })),
    /unknown state/,
  );
});

test('nodes and queues are read from JSON', () => {
  const node = {
    Mom: 'n1',
    state: 'free',
    pcpus: 2,
    resources_available: { mem: '24684092kb', ncpus: 4, vnode: 'n1' },
  };
  const down = { Mom: 'n2', state: 'state-unknown,down', resources_available: { vnode: 'n2' } };
  assert.deepEqual(openpbsDialect.readNodes(answer({ nodes: { n1: node, n2: down } })), [
    { name: 'n1', np: 4, memory: 24684092 * 1024, state: 'free' },
  ]);
  const queues = { workq: { queue_type: 'Execution', enabled: 'True' }, old: { enabled: 'False' } };
  assert.deepEqual(openpbsDialect.readQueues(answer({ Queue: queues })), ['workq']);
});
