import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeView } from '../../engine/embedded/protocol.ts';
import { formatNodes } from './pbsnodes.ts';

// The expected texts are what Torque 6.1 printed, but for what the node's machine reports of itself.
const nodes: NodeView[] = [
  {
    name: 'n1',
    np: 4,
    memory: 2 ** 30,
    state: 'job-exclusive',
    jobs: ['0-1/687.tqhead', '2/689[1].tqhead', '3/689[2].tqhead'],
  },
  { name: 'n3', np: 4, memory: 2 ** 30, state: 'free', jobs: [] },
];

test('pbsnodes prints nodes as Torque does', () => {
  assert.equal(
    formatNodes(nodes, '0', false).replace(/status = .*/g, 'status = ...'),
    `n1
     state = job-exclusive
     power_state = Running
     np = 4
     ntype = cluster
     jobs = 0-1/687.tqhead,2/689[1].tqhead,3/689[2].tqhead
     status = ...
     mom_service_port = 15002
     mom_manager_port = 15003

n3
     state = free
     power_state = Running
     np = 4
     ntype = cluster
     status = ...
     mom_service_port = 15002
     mom_manager_port = 15003

`,
  );
});

test('pbsnodes -x prints nodes as Torque does', () => {
  assert.equal(
    formatNodes(nodes.slice(0, 1), '0', true).replace(/<status>.*?<\/status>/, '<status>...</status>'),
    '<Data><Node><name>n1</name><state>job-exclusive</state><power_state>Running</power_state><np>4</np><ntype>cluster</ntype><jobs>0-1/687.tqhead,2/689[1].tqhead,3/689[2].tqhead</jobs><status>...</status><mom_service_port>15002</mom_service_port><mom_manager_port>15003</mom_manager_port></Node></Data>\n',
  );
});

test('the status of a node holds what the machine reports in Torque’s words', () => {
  const [, status = ''] = /status = (.*)/.exec(formatNodes(nodes, '0', false)) ?? [];
  for (const item of [
    /^opsys=linux,uname=Linux n1 /,
    /,totmem=\d+kb,/,
    /,ncpus=\d+,/,
    /,jobs=687\.tqhead 689\[1\]\.tqhead /,
  ]) {
    assert.match(status, item);
  }
});
