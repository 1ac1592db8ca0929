// The private network of a job: its VMs on one and on several nodes reach each other by name, and outside as the user.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useCluster } from './support/use-cluster.ts';

const cluster = useCluster({ nodes: 2, np: 2 });

test('each VM answers by its name to the first, on its own node and on the other', async () => {
  const script = [
    '#!/bin/bash',
    'for name in $(cat "$PBS_NODEFILE"); do',
    '  (exec 3<>/dev/tcp/$name/9) 2>&1 | grep -o "vnode.*" | head -1',
    'done',
    'ip -o neigh | grep -c REACHABLE',
    '',
  ];
  const id = await cluster.submit(['-l', 'nodes=2:ppn=2', '-vm', 'vms_per_node=2,ram=256M'], script.join('\n'));
  const { stdout, stderr, exitStatus } = await cluster.wait(id);
  const refused = ['vnode1-1', 'vnode1-2', 'vnode2-1', 'vnode2-2'].map((name) => `${name}/9: Connection refused`);
  assert.deepEqual([stderr.toString(), exitStatus], ['', 0]);
  assert.deepEqual(stdout.toString().split('\n'), [...refused, '3', '']);
  await cluster.expectIdle();
});
