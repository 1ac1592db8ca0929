// Parallel programs over the VMs of a job, started by unmodified launchers.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { execute } from './support/cluster.ts';
import { useCluster } from './support/use-cluster.ts';

const kinds = ['openmpi', 'mpich'];
const needed = ['/usr/sbin/sshd', ...kinds.flatMap((kind) => [`/usr/bin/mpicc.${kind}`, `/usr/bin/mpirun.${kind}`])];
const missing = needed.find((path) => !existsSync(path));
const skip = missing !== undefined && `no ${missing} here`;

describe('parallel programs', { skip }, () => {
  const cluster = useCluster({
    nodes: 2,
    np: 2,
    whenStarted: async ({ work }) => {
      for (const program of ['hello', 'exchange']) {
        const source = join(import.meta.dirname, `support/mpi/${program}.c`);
        for (const kind of kinds) {
          const command = [`mpicc.${kind}`, '-O1', '-o', join(work, `${program}.${kind}`), source];
          const { code, stderr } = await execute(command, { env: process.env });
          assert.equal(code, 0, stderr);
        }
      }
    },
  });

  const shapes = [
    { nodes: 1, each: 2 },
    { nodes: 2, each: 1 },
    { nodes: 2, each: 2 },
  ];

  for (const { nodes, each } of shapes) {
    test(`mpirun and mpiexec find ${nodes * each} VMs on ${nodes} nodes, and the results are right`, async () => {
      // MPICH 4.0 may wait for ever in MPI_Finalize when several connections are still being made: docs/limits.md.
      // What it has computed is looked at where it never waited before that.
      const few = nodes * each < 4;
      const script = [
        '#!/bin/bash',
        'cd "$PBS_O_WORKDIR"',
        ...kinds.flatMap((kind) => [
          `echo ${kind}; mpirun.${kind} ./hello.${kind} | sort`,
          ...(kind === 'openmpi' ? ['mpiexec.openmpi ./exchange.openmpi; echo "code $?"'] : []),
          ...(kind === 'mpich' && few ? ['{ timeout -s KILL 40 mpiexec.mpich ./exchange.mpich; } 2>/dev/null'] : []),
          `mpiexec.${kind} ./hello.${kind} 1 >/dev/null 2>&1; echo "code $?"`,
        ]),
        '',
      ];
      const vm = `img=host,vcpus=1,ram=512M,vms_per_node=${each}`;
      const id = await cluster.submit(['-l', `nodes=${nodes}:ppn=${each}`, '-vm', vm], script.join('\n'));
      const { stdout, stderr, exitStatus } = await cluster.endsCleanly(id);
      const count = nodes * each;
      const names = Array.from({ length: count }, (_, at) => `v(node\\d)-${(at % each) + 1}`);
      const hello = names.map((name, rank) => `rank ${rank} of ${count} on ${name}\n`).join('');
      const computed = `${count} ranks, 0 wrong\n`;
      const ofKind = (kind: string): string =>
        `${kind}\n${hello}${kind === 'openmpi' ? `${computed}code 0\n` : few ? computed : ''}code 9\n`;
      assert.match(stdout.toString(), new RegExp(`^${kinds.map(ofKind).join('')}$`), stderr.toString());
      assert.deepEqual([stderr.toString(), exitStatus], ['', 0]);
    });
  }

  test('qdel ends the ranks in all VMs', async () => {
    const script =
      '#!/bin/bash\ncd "$PBS_O_WORKDIR"\nmpirun.openmpi sh -c \'echo > "running-$(hostname)"; sleep 600\'\n';
    const id = await cluster.submit(['-l', 'nodes=2', '-vm', 'img=host,vcpus=1,ram=512M'], script);
    await Promise.all(['vnode1-1', 'vnode2-1'].map((name) => cluster.appears(`running-${name}`)));
    await cluster.run(['qdel', id]);
    const { exitStatus } = await cluster.endsCleanly(id);
    assert.notEqual(exitStatus, 0);
  });
});
