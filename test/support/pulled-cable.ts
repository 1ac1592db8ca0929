import assert from 'node:assert/strict';
import { patienceMs } from './cluster.ts';
import { until } from './embedded.ts';
import type { SlurmOnMachines } from './use-slurm-machines.ts';

/** Pull the cable of the last of three nodes on which a job runs: the job ends, names the node, and leaves nothing. */
export async function assertCableEndsJob(slurm: SlurmOnMachines): Promise<void> {
  const [, , last] = slurm.made.machines;
  const asked = ['-l', 'nodes=3:ppn=1', '-d', '.', '-vm', 'ram=256M', '-e', 'err'];
  const id = await slurm.submit(asked, ['echo > up', 'sleep 600']);
  await until(async () => (await slurm.written('up')) !== '', `job ${id} runs`, patienceMs);
  const cable = (state: 'up' | 'down') => last.run(['ip', 'link', 'set', 'under', state]);
  assert.equal((await cable('down')).code, 0);
  try {
    const isTold = async (): Promise<boolean> => (await slurm.written('err')).includes('node: ');
    await until(isTold, `job ${id} is told to be lost`, patienceMs);
    assert.match(
      await slurm.written('err'),
      /vtorque: Cannot go on: .* on node "n3(\.[\w.]+)?" is lost: nothing was heard from there for 20 s/,
    );
  } finally {
    await cable('up');
  }
  await slurm.expectIdle();
}
