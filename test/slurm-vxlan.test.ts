// Jobs in VMs on a Slurm whose nodes are network namespaces: root's hooks join them by a VXLAN.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { patienceMs } from './support/cluster.ts';
import { noNetworks } from './support/configured-node.ts';
import { until } from './support/embedded.ts';
import { assertCableEndsJob } from './support/pulled-cable.ts';
import { whyNoSlurm } from './support/slurm.ts';
import { useSlurmOnMachines } from './support/use-slurm-machines.ts';

const skip = noNetworks || (await whyNoSlurm());

describe('jobs over nodes of a Slurm that a VXLAN joins', { skip }, () => {
  // With whole names, which hooks and agents look up, and of which VMs have the short ones.
  const slurm = useSlurmOnMachines(1600, '[network]\njob = "vxlan"\nmax_vms_per_node = 2\n', 'cluster.test');

  const devices = async (): Promise<number[]> =>
    Promise.all(slurm.made.machines.map(async (machine) => (await machine.devices()).length));

  const noDevices = (): Promise<void> =>
    until(async () => (await devices()).every((count) => count === 0), 'the Epilogs have removed all', patienceMs);

  const script = [
    'for name in $(sort -u "$PBS_NODEFILE"); do',
    '  (exec 3<>/dev/tcp/$name/9) 2>&1 | grep -o "vn.*" | head -1',
    'done',
    'ip -o link show | grep -o "mtu [0-9]*" | tail -1',
    'echo end',
  ];
  const answers = ['vn1-1', 'vn2-1', 'vn3-1'].map((name) => `${name}/9: Connection refused`);

  /** Run it in VMs on three nodes. */
  async function run(name: string): Promise<{ readonly lines: string[]; readonly record: string }> {
    const id = await slurm.submit(['-l', 'nodes=3:ppn=1', '-d', '.', '-o', name, '-vm', 'ram=256M'], script);
    await until(async () => (await slurm.written(name)).includes('end\n'), `job ${id} ends`, patienceMs);
    const record = await readFile(join(slurm.user.home, '.local/state/vtorque/jobs', `${id}.jsonl`), 'utf8');
    return { lines: (await slurm.written(name)).split('\n').slice(0, -2), record };
  }

  test('its VMs on three nodes reach each other over the VXLAN, and nothing stays on any node', async () => {
    const { lines, record } = await run('over-vxlan');
    assert.deepEqual(lines, [...answers, 'mtu 1550']);
    assert.match(record, /bridge vtq\w+b that root has prepared, VXLAN \d+, MTU 1550/);
    await noDevices();
    for (const { name } of slurm.places.nodes) {
      assert.deepEqual(await readdir(join(slurm.made.directory, `computer-${name}`, 'run/vtorque/jobs')), []);
    }
  });

  test('a node whose cable is pulled ends the job, which names it, and nothing is left on any node', async () => {
    await assertCableEndsJob(slurm);
    await noDevices();
  });

  test('where root prepares nothing, they reach each other over trunks', async () => {
    slurm.places.configure('[network]\njob = "off"\n');
    const { lines, record } = await run('over-trunks');
    assert.deepEqual(lines.slice(0, -1), answers);
    assert.match(record, /trunks to 2 other nodes/);
    await slurm.expectIdle();
  });
});
