// Jobs in VMs on a Slurm whose nodes are network namespaces, where no root prepares networks: theirs goes over trunks between the nodes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { patienceMs } from './support/cluster.ts';
import { noNetworks } from './support/configured-node.ts';
import { until } from './support/embedded.ts';
import { assertCableEndsJob } from './support/pulled-cable.ts';
import { whyNoSlurm } from './support/slurm.ts';
import { useSlurmOnMachines } from './support/use-slurm-machines.ts';

const skip = noNetworks || (await whyNoSlurm());

describe('jobs over nodes of a Slurm that trunks join', { skip }, () => {
  // In it lie the addresses of the nodes, so jobs must have others.
  const slurm = useSlurmOnMachines(1500, '[network]\npools = ["10.99.0.0/22"]\n');
  const three = ['-l', 'nodes=3:ppn=1', '-d', '.', '-vm', 'ram=256M'];

  test('its VMs on three nodes reach each other, at addresses that the nodes do not use', async () => {
    const script = [
      'for name in $(sort -u "$PBS_NODEFILE"); do',
      '  (exec 3<>/dev/tcp/$name/9) 2>&1 | grep -o "vn.*" | head -1',
      'done',
      'ip -o -4 addr show dev eth0 | grep -o "10.99.[0-9.]*/[0-9]*"',
      'echo end',
    ];
    const id = await slurm.submit([...three, '-o', 'out'], script);
    await until(async () => (await slurm.written('out')).includes('end\n'), `job ${id} ends`, patienceMs);
    const refused = ['vn1-1', 'vn2-1', 'vn3-1'].map((name) => `${name}/9: Connection refused`);
    assert.deepEqual((await slurm.written('out')).split('\n'), [...refused, '10.99.1.16/24', 'end', '']);
    await slurm.expectIdle();
  });

  test('a node whose cable is pulled ends the job, which names it, and nothing is left on any node', () =>
    assertCableEndsJob(slurm));
});
