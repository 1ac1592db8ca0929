// kill -9 of Slurm's controller, in each phase of a job: the job goes on without it, and the next one knows the truth.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { LeaseStore } from '../src/node/leases/store.ts';
import { publicRoot } from '../src/site/public-root.ts';
import { execute, patienceMs } from './support/cluster.ts';
import { until } from './support/embedded.ts';
import { type HookedSlurm, startHookedSlurm } from './support/hooked-slurm.ts';
import { expectNoResidue } from './support/residue.ts';
import { type TestSlurm, whyNoSlurm } from './support/slurm.ts';
import { hookRuns, hooksWait } from './support/slurm-hooks.ts';
import { jobIn, launcher, tellToEnd, two } from './support/slurm-phases.ts';
import type { SlurmUser } from './support/slurm-user.ts';

const skip = await whyNoSlurm();
const residueMs = 30_000;

describe("kill -9 of Slurm's controller", { skip }, () => {
  let slurm: TestSlurm;
  let as: SlurmUser;
  let hooked: HookedSlurm;
  let root: string;
  let store: LeaseStore;

  before(async () => {
    hooked = await startHookedSlurm();
    ({ slurm, as, store } = hooked);
    root = await publicRoot();
  });

  after(() => hooked[Symbol.asyncDispose]());

  const leases = () => hooked.leases();
  const statesOf = async (id: string): Promise<string[]> =>
    (await leases()).flatMap(({ key, state }) => (key.jobId === id ? [state] : []));

  async function scontrol(...words: readonly string[]): Promise<void> {
    const { code, stderr } = await execute(['scontrol', ...words], { env: { ...process.env, ...slurm.env } });
    assert.equal(code, 0, stderr);
  }

  /** What the controller decides it writes down up to some seconds later; of one that ends before, the next one does not know it. */
  async function writtenDown(id: string): Promise<void> {
    const file = join(dirname(slurm.env.SLURM_CONF), 'state/job_state');
    const writtenAt = async (): Promise<number> => (await stat(file).catch(() => undefined))?.mtimeMs ?? 0;
    const before = await writtenAt();
    await scontrol('update', `JobId=${id}`, 'Comment=to be written down');
    await until(async () => (await writtenAt()) > before, 'the controller has written down its jobs');
  }

  async function kill(id: string): Promise<void> {
    await writtenDown(id);
    await killNow();
  }

  async function killNow(): Promise<void> {
    const daemon = slurm.daemon('slurmctld');
    const ended = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await ended;
  }

  async function restart(): Promise<void> {
    await slurm.restart('slurmctld');
    const answers = (): Promise<boolean> => as.engine.liveJobs().then(({ known }) => known);
    await until(answers, 'the next controller answers');
  }

  async function endsWell(id: string, exitStatus: number): Promise<void> {
    assert.equal((await as.ended(id)).exitStatus, exitStatus);
    await released(id);
  }

  async function released(id: string): Promise<void> {
    await until(
      async () => (await statesOf(id)).every((state) => state === 'released'),
      `job ${id} is released on its nodes`,
    );
    await slurm.idle();
    await expectNoResidue(hooked.clean, residueMs);
  }

  test('while a job waits loses nothing of it', async () => {
    const id = await as.submit(['-h', ...two], '#!/bin/sh\necho waited\nexit 5\n', 'waits');
    await kill(id);
    await restart();
    await as.engine.release([id]);
    await endsWell(id, 5);
    assert.equal(await as.read(`waits.o${id}`), 'waited\n');
  });

  /** Let a job be prepared on its nodes, and kill the controller then. */
  async function killedInProlog(name: string, meanwhile: () => Promise<void>): Promise<string> {
    const id = await as.submit(['-h', ...two], `#!/bin/sh\necho ${name}\nexit 5\n`, name);
    await using _ = await hooksWait(store, id, 'n1');
    await as.engine.release([id]);
    await hookRuns('prolog');
    await kill(id);
    await meanwhile();
    return id;
  }

  test('while a job is prepared: it runs once its nodes have told the next one what they have', async () => {
    const id = await killedInProlog('prepared', restart);
    // That the script is still to be started it has forgotten (Slurm 22.05, DeferBatch). This asks the nodes, and counts once BatchStartTimeout is over.
    const stands = async (): Promise<boolean> => (await as.engine.status([id])).get(id)?.state === 'running';
    for (const deadline = Date.now() + patienceMs; (await stands()) && Date.now() < deadline; await delay(4000)) {
      await scontrol('reconfigure');
    }
    await endsWell(id, 5);
    assert.equal(await as.read(`prepared.o${id}`), 'prepared\n');
  });

  test('until a job has been prepared: a job that is given up then is released on its nodes', async () => {
    const id = await killedInProlog('forgotten', async () => {});
    await until(async () => (await statesOf(id)).join() === 'prepared,prepared', 'the job is prepared');
    await restart();
    await as.engine.cancel([id]);
    assert.notEqual((await as.ended(id)).exitStatus, 0);
    await released(id);
  });

  test('while guests are made ready, until the script has ended: the next one is told how', async () => {
    const wait = join(as.work, 'wait');
    await writeFile(
      wait,
      `#!/bin/sh\ncd ${as.work}\necho up >ready.guest\nuntil [ -e ready.end ]; do sleep 0.1; done\n`,
    );
    const script = '#!/bin/sh\necho up >ready.up\necho done\nexit 6\n';
    const id = await as.submit([...two, '-vm', `vm_prologue=${wait}`], script, 'ready');
    await as.appears('ready.guest');
    await kill(id);
    await tellToEnd(as, 'ready');
    await as.appears('ready.up');
    await expectNoResidue(hooked.clean, residueMs);
    assert.deepEqual(await statesOf(id), ['prepared', 'prepared']);
    await restart();
    await endsWell(id, 6);
    assert.equal(await as.read(`ready.o${id}`), 'done\n');
  });

  test('while the script runs takes nothing from it, and the reaper does nothing until it is there again', async () => {
    const script = '#!/bin/sh\necho up >runs.up\nuntil [ -e runs.end ]; do sleep 0.1; done\necho done\nexit 7\n';
    const { id } = await jobIn(as, 'the script runs', 'runs', two, launcher, script);
    await kill(id);
    const env = { ...process.env, ...slurm.env };
    const reap = await execute([join(root, 'bin/vtorque'), 'reap', '--engine', 'slurm'], { env });
    assert.equal(reap.code, 1);
    assert.match(reap.stderr, /Cannot clear up: it is not known which jobs live/);
    assert.deepEqual(await statesOf(id), ['prepared', 'prepared']);
    const refused = await as.vsub(two, 'true\n');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Unable to contact slurm controller/);
    await restart();
    assert.equal((await as.engine.status([id])).get(id)?.state, 'running');
    await tellToEnd(as, 'runs');
    await endsWell(id, 7);
    assert.equal(await as.read(`runs.o${id}`), 'done\n');
  });

  test('while guests are torn down, until all is over on the nodes: the next one is told how it ended', async () => {
    const { id } = await jobIn(as, 'the guest is torn down', 'ends', two, launcher);
    await kill(id);
    await expectNoResidue(hooked.clean, residueMs);
    await restart();
    await endsWell(id, 0);
  });

  test('while it releases a job loses no release', async () => {
    const script = '#!/bin/sh\necho up >over.up\nuntil [ -e over.end ]; do sleep 0.1; done\nexit 8\n';
    const { id } = await jobIn(as, 'the script runs', 'over', two, launcher, script);
    // Of a job that is over nothing can be changed.
    const other = await as.submit(['-h'], 'true\n', 'other');
    {
      await using _ = await hooksWait(store, id, 'n1');
      await tellToEnd(as, 'over');
      await hookRuns('epilog');
      await kill(other);
    }
    await restart();
    await as.engine.cancel([other]);
    await endsWell(id, 8);
  });
});
