// Our hooks as slurmd's Prolog and Epilog: what root prepares and releases on each node of a job.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { LeaseStore } from '../src/node/leases/store.ts';
import { execute } from './support/cluster.ts';
import { type HookedSlurm, startHookedSlurm } from './support/hooked-slurm.ts';
import { expectNoResidue } from './support/residue.ts';
import { type TestSlurm, whyNoSlurm } from './support/slurm.ts';
import { hookRuns, hooksWait } from './support/slurm-hooks.ts';
import type { SlurmUser } from './support/slurm-user.ts';

const skip = await whyNoSlurm();
const patienceMs = 60_000;

describe('the hooks on a real Slurm', { skip }, () => {
  let slurm: TestSlurm;
  let as: SlurmUser;
  let hooked: HookedSlurm;
  let store: LeaseStore;

  before(async () => {
    hooked = await startHookedSlurm((hooks) => [
      ...[`HealthCheckProgram=${hooks}/healthcheck`, 'HealthCheckInterval=2', 'HealthCheckNodeState=ANY'],
    ]);
    ({ slurm, as, store } = hooked);
  });

  after(() => hooked[Symbol.asyncDispose]());

  const leases = () => hooked.leases();

  const leasesOf = async (id: string): Promise<string[]> =>
    (await leases())
      .filter(({ key }) => key.jobId === id)
      .map(({ key, state }) => `${key.engine} ${key.cluster} ${key.node} ${state}`)
      .sort();

  /** The Epilog comes after the end of the job. */
  async function released(id: string, expected: readonly string[]): Promise<void> {
    let seen: string[] = [];
    for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await delay(100)) {
      seen = await leasesOf(id);
      if (seen.join() === expected.join()) return;
    }
    assert.deepEqual(seen, expected);
  }

  async function nodesStayUp(): Promise<void> {
    let states = '';
    for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await delay(100)) {
      const env = { ...process.env, ...slurm.env };
      states = (await execute(['sinfo', '-h', '-N', '-o', '%N %T %E'], { env, timeoutMs: patienceMs })).stdout;
      if (states === 'n1 idle none\nn2 idle none\n') return;
    }
    assert.fail(`the nodes are not idle:\n${states}`);
  }

  test('a job in VMs is prepared on each of its nodes, and released there', async () => {
    const script = '#!/bin/sh\necho up >hooked.up\nuntil [ -e hooked.seen ]; do sleep 0.2; done\nexit 6\n';
    const vm = ['-d', '.', '-vm', 'img=host,vcpus=1,ram=256M', '-l', 'nodes=2:ppn=2'];
    const id = await as.submit(vm, script, 'hooked');
    await as.appears('hooked.up');
    assert.deepEqual(await leasesOf(id), ['slurm vtt n1 prepared', 'slurm vtt n2 prepared']);
    await execute([...as.user.become, 'touch', join(as.work, 'hooked.seen')], {});
    assert.equal((await as.ended(id)).exitStatus, 6);
    await released(id, ['slurm vtt n1 released', 'slurm vtt n2 released']);
    await nodesStayUp();
    await expectNoResidue(hooked.clean, patienceMs);
  });

  test('a job that was put back into the queue is prepared again', async () => {
    const script = `#!/bin/sh\ncd ${as.work}\n[ -e again.up ] && { echo up >second.up; sleep 3; exit 4; }\necho up >again.up\nsleep 600\n`;
    const id = await as.submit(['-l', 'nodes=n1'], script, 'again');
    await as.appears('again.up');
    const { code, stderr } = await execute(['scontrol', 'requeue', id], { env: { ...process.env, ...slurm.env } });
    assert.equal(code, 0, stderr);
    // The tombstone of the first run is no reason not to prepare the second one.
    await as.appears('second.up');
    assert.deepEqual(await leasesOf(id), ['slurm vtt n1 prepared']);
    assert.equal((await as.ended(id)).exitStatus, 4);
    await released(id, ['slurm vtt n1 released']);
    await nodesStayUp();
  });

  /** As a crash of the node's daemon that is noticed at once. */
  async function crash(node: string): Promise<void> {
    const daemon = slurm.daemon(node);
    const ended = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await ended;
    await slurm.restart(node);
  }

  test('kill -9 of the daemon of a node while it prepares a job there loses no release', async () => {
    const id = await as.submit(['-h', '-l', 'nodes=n1'], 'exit 5\n', 'prepared');
    {
      await using _ = await hooksWait(store, id, 'n1');
      await as.engine.release([id]);
      await hookRuns('prolog');
      await crash('n1');
    }
    // Slurm itself waits for the end of that Prolog until somebody gives the job up.
    await as.engine.cancel([id]);
    assert.notEqual((await as.ended(id)).exitStatus, 0);
    await released(id, ['slurm vtt n1 released']);
    await nodesStayUp();
  });

  test('kill -9 of the daemon of a node while it releases a job there loses no release', async () => {
    const script = `cd ${as.work}\necho up >released.up\nuntil [ -e released.end ]; do sleep 0.1; done\nexit 5\n`;
    const id = await as.submit(['-l', 'nodes=n1'], script, 'released');
    await as.appears('released.up');
    {
      await using _ = await hooksWait(store, id, 'n1');
      await execute([...as.user.become, 'touch', join(as.work, 'released.end')], {});
      await hookRuns('epilog');
      await crash('n1');
    }
    assert.equal((await as.ended(id)).exitStatus, 5);
    await released(id, ['slurm vtt n1 released']);
    await nodesStayUp();
  });

  test("the health check of Slurm's daemon releases a job that is no more, and takes no node down", async () => {
    const { name, uid, gid } = as.user;
    const key = { engine: 'slurm', cluster: 'vtt', jobId: '999999', attempt: undefined, node: 'n1' };
    await store.write({ key, state: 'prepared', owner: { name, uid, gid }, at: Date.now() - 3_600_000 });
    await released('999999', ['slurm vtt n1 released']);
    await nodesStayUp();
  });

  test('what a user does wrong takes no node down', async () => {
    const name = '$(id>x)`;';
    const wrong = await as.submit(
      ['-N', 'wrong', '-v', 'PATH=/nonexistent,SLURM_JOB_USER=root', '-l', 'nodes=2'],
      'exit 1\n',
    );
    const odd = await as.submit(['-l', 'nodes=n1'], 'exit 2\n', `${name}.sh`);
    const cancelled = await as.submit(['-vm', 'img=host,ram=256M', '-l', 'nodes=n2'], 'sleep 600\n', 'cancelled');
    await as.engine.cancel([cancelled]);
    for (const id of [wrong, odd, cancelled]) assert.notEqual((await as.ended(id)).exitStatus, 0);
    await released(wrong, ['slurm vtt n1 released', 'slurm vtt n2 released']);
    await nodesStayUp();
    await expectNoResidue(hooked.clean, patienceMs);
  });
});
