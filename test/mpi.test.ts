// Parallel programs over the VMs of a job, started by unmodified launchers.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { execute } from './support/cluster.ts';
import { useCluster } from './support/use-cluster.ts';

const kinds = ['openmpi', 'mpich'];
const needed = ['/usr/sbin/sshd', ...kinds.flatMap((kind) => [`/usr/bin/mpicc.${kind}`, `/usr/bin/mpirun.${kind}`])];
/** MPICH 4.0 may wait for ever in MPI_Finalize without it: docs/mpi.md. */
const library = 'mpich-finalize';
const optionsOf: Readonly<Record<string, string>> = { mpich: `-genv LD_PRELOAD "$PWD/${library}.so"` };
const missing = needed.find((path) => !existsSync(path));
const skip = missing !== undefined && `no ${missing} here`;

describe('parallel programs', { skip }, () => {
  const cluster = useCluster({
    nodes: 2,
    np: 2,
    whenStarted: async ({ work }) => {
      const build = async (...command: string[]): Promise<void> => {
        const { code, stderr } = await execute(command, { env: process.env });
        assert.equal(code, 0, stderr);
      };
      const source = join(import.meta.dirname, `../examples/${library}.c`);
      await build('cc', '-O2', '-Wall', '-Werror', '-shared', '-fPIC', '-o', join(work, `${library}.so`), source);
      for (const program of ['hello', 'exchange']) {
        const source = join(import.meta.dirname, `support/mpi/${program}.c`);
        for (const kind of kinds) {
          await build(`mpicc.${kind}`, '-O1', '-o', join(work, `${program}.${kind}`), source);
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
      const script = [
        '#!/bin/bash',
        'cd "$PBS_O_WORKDIR"',
        ...kinds.flatMap((kind) => [
          `echo ${kind}; mpirun.${kind} ./hello.${kind} | sort`,
          `mpiexec.${kind} ${optionsOf[kind] ?? ''} ./exchange.${kind}; echo "code $?"`,
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
      const ofKind = (kind: string): string => `${kind}\n${hello}${count} ranks, 0 wrong\ncode 0\ncode 9\n`;
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
