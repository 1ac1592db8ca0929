import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openpbsDialect } from './dialect.ts';

const answer = (rows: object): string =>
  JSON.stringify({ timestamp: 1795330824, pbs_version: '23.06.06', pbs_server: 'pbshead', ...rows });

test('what no server has said about nodes is refused', () => {
  for (const text of ['', '{}', '[]', 'null', '{"nodes":{}}', answer({ nodes: [] }), answer({ nodes: { a: 1 } })]) {
    assert.throws(() => openpbsDialect.readNodes(text), text);
  }
});

test('all jobs are asked for without those that have ended long ago', () => {
  assert.ok(openpbsDialect.statusArgs(['1', '2']).includes('-x'));
  assert.ok(!openpbsDialect.statusArgs([]).includes('-x'));
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
