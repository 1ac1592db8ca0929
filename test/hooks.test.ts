// What root does on a node: hooks that prepare and release, and the reaper that clears up behind them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { instanceInfo } from '../src/engine/embedded/index.ts';
import { jobMark, leaseName, temporaryPrefix } from '../src/node/leases/lease.ts';
import { execute } from './support/cluster.ts';
import { exists, until } from './support/embedded.ts';
import {
  assertQuiet,
  type HookEvent,
  type HookWords,
  hookEvents,
  type RootHooks,
  rootHooks,
} from './support/root-hooks.ts';
import { fill, smallDisk, whyNoSmallDisk } from './support/small-disk.ts';
import { useCluster } from './support/use-cluster.ts';
import { aUser, isRoot, type TestUser } from './support/users.ts';

let hooks: RootHooks;

const cluster = useCluster({
  nodes: 2,
  np: 1,
  whenStarted: (started) => {
    hooks = rootHooks(started);
  },
});

afterEach(async () => {
  await hooks.remove();
  await cluster.expectIdle();
});

const vm = ['-vm', 'img=host,vcpus=1,ram=256M'];
const keyOf = (jobId: string, node = 'node1', attempt: string | undefined = '1') => ({
  ...{ engine: 'embedded', cluster: hooks.instance, jobId, attempt, node },
});
const runsOf = async (): Promise<string[]> =>
  (await hooks.runs()).map(({ event, node, code }) => `${event} ${node} ${code}`).sort();

/** A job without a VM: hooks are run for it as well. */
async function plainJob(script: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await cluster.run(['qsub', ...args], { input: script });
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

/** A process with a session of its own that carries a job's mark, as what a crash of the launcher might leave. */
async function aStray(mark: string, user: TestUser = cluster.user): Promise<{ alive(): boolean; kill(): void }> {
  const [program = '', ...args] = [...user.become, 'env', `VTORQUE_JOB=${mark}`, 'setsid', '--wait', 'sleep', '600'];
  const child = spawn(program, args, { stdio: 'ignore' });
  await once(child, 'spawn');
  const marked = async (): Promise<boolean> =>
    (await readFile(`/proc/${child.pid}/environ`, 'utf8').catch(() => '')).includes(mark) &&
    (await readFile(`/proc/${child.pid}/comm`, 'utf8').catch(() => '')) !== 'env\n';
  await until(marked, 'the process carries the mark');
  return { alive: () => child.exitCode === null && child.signalCode === null, kill: () => child.kill('SIGKILL') };
}

test('a job in VMs on two nodes has a lease on each while it runs, and a tombstone on each afterwards', async () => {
  await hooks.install();
  const script = '#!/bin/sh\ncd "$PBS_O_WORKDIR"\necho > up\nwhile [ ! -e go ]; do sleep 0.1; done\nexit 3\n';
  const id = await cluster.submit(['-l', 'nodes=2', ...vm], script);
  await cluster.appears('up');
  assert.deepEqual(await hooks.leases(id), [`${id} node1 prepared`, `${id} node2 prepared`]);
  await writeFile(join(cluster.work, 'go'), '');
  assert.equal((await cluster.wait(id)).exitStatus, 3);
  assert.deepEqual(await hooks.leases(id), [`${id} node1 released`, `${id} node2 released`]);
  assert.deepEqual(await runsOf(), ['epilogue 0 0', 'epilogue.parallel 1 0', 'prologue 0 0', 'prologue.parallel 1 0']);
});

test('a mistake of the user ends his job with its reason, and no hook with a failure', async () => {
  await hooks.install();
  const disk = Buffer.alloc(1024 ** 2, 0x90);
  disk.set([0x55, 0xaa], 510);
  await writeFile(join(cluster.work, 'disk.img'), disk);
  const add = await cluster.run(['vmgr', 'add', 'disk.img', 'soon gone', '--name', 'gone']);
  assert.equal(add.code, 0, add.stderr);
  const id = await cluster.submit(['-h', '-vm', 'img=gone,vcpus=1'], '#!/bin/sh\ntrue\n');
  assert.equal((await cluster.run(['vmgr', 'delete', 'image', 'gone'])).code, 0);
  await cluster.run(['qrls', id]);
  const job = await cluster.wait(id);
  assert.equal(job.exitStatus, 240);
  assert.match(job.stderr.toString(), /^vtorque: Cannot use image "gone"/);
  assert.deepEqual(await runsOf(), ['epilogue 0 0', 'prologue 0 0']);
  assert.deepEqual(await hooks.leases(id), [`${id} node1 released`]);
});

test('a hook of a user whom the node does not know, or with words of no batch system, says so and ends with 0', async () => {
  const unknown = await hooks.call('prologue', '9000.x', { owner: 'nobody-of-that-name' });
  assert.equal(unknown.code, 0);
  assert.match(unknown.stderr, /^vtorque hook embedded prologue: .*no such user on this node/);
  const odd = await hooks.call('prologue', '../../etc');
  assert.equal(odd.code, 0);
  assert.match(odd.stderr, /^vtorque hook embedded prologue: /);
});

describe('hooks in any order', () => {
  const each = (calls: readonly [HookEvent, HookWords?][], id: string): Promise<void>[] =>
    calls.map(async ([event, words]) => assertQuiet(await hooks.call(event, id, words)));

  test('twice', async () => {
    for (const event of ['prologue', 'prologue', 'epilogue', 'epilogue'] as const) {
      assertQuiet(await hooks.call(event, '9001.x'));
    }
    assert.deepEqual(await hooks.leases('9001.x'), ['9001.x node1 released']);
  });

  test('all at once, for two nodes of one machine', async () => {
    await Promise.all([
      ...each([['prologue'], ['prologue'], ['prologue.parallel', { node: 1 }], ['epilogue']], '9002.x'),
      ...each([['epilogue.parallel', { node: 1 }]], '9002.x'),
    ]);
    await Promise.all(each([['epilogue'], ['epilogue.parallel', { node: 1 }]], '9002.x'));
    assert.deepEqual(await hooks.leases('9002.x'), ['9002.x node1 released', '9002.x node2 released']);
  });

  test('the release first: what is prepared later comes too late, and the next run of the job does not', async () => {
    for (const event of ['epilogue', 'prologue'] as const) assertQuiet(await hooks.call(event, '9003.x'));
    assert.deepEqual(await hooks.leases('9003.x'), ['9003.x node1 released']);
    assertQuiet(await hooks.call('prologue', '9003.x', { attempt: 2 }));
    assert.deepEqual(await hooks.leases('9003.x'), ['9003.x node1 released', '9003.x node1 prepared']);
    assertQuiet(await hooks.call('epilogue', '9003.x', { attempt: 2 }));
  });
});

describe('the reaper', () => {
  test('releases a job whose release never came, lists it before, and finds nothing afterwards', async () => {
    await hooks.install(['prologue']);
    const id = await plainJob('true');
    await cluster.wait(id);
    assert.deepEqual(await hooks.leases(id), [`${id} node1 prepared`]);
    await hooks.age(id);
    const directory = `/tmp/${temporaryPrefix(keyOf(id))}abcdef`;
    await cluster.run(['mkdir', '-m', '700', directory]);
    const stray = await aStray(jobMark(keyOf(id)));
    const dry = await hooks.reap('--dry-run');
    assert.deepEqual([dry.code, dry.stderr], [0, '']);
    assert.match(dry.stdout, new RegExp(`^release job ${id} on node1$`, 'm'));
    assert.deepEqual(await hooks.leases(id), [`${id} node1 prepared`]);
    assert.ok(stray.alive() && (await exists(directory)));
    const done = await hooks.reap();
    assert.deepEqual([done.code, done.stderr], [0, '']);
    assert.deepEqual(await hooks.leases(id), [`${id} node1 released`]);
    await until(async () => !stray.alive(), 'the process is ended');
    assert.ok(!(await exists(directory)));
    assert.deepEqual(await hooks.reap(), { code: 0, signal: null, stdout: '', stderr: '' });
  });

  test('leaves what belongs to a live job', async () => {
    await hooks.install(['prologue', 'epilogue']);
    const id = await plainJob(`cd "$PBS_O_WORKDIR"; echo > "live-$PBS_JOBID"; while [ ! -e done ]; do sleep 0.1; done`);
    await cluster.appears(`live-${id}`);
    await hooks.age(id);
    const stray = await aStray(jobMark(keyOf(id)));
    assert.equal((await hooks.reap()).stdout, '');
    assert.deepEqual(await hooks.leases(id), [`${id} node1 prepared`]);
    assert.ok(stray.alive());
    await writeFile(join(cluster.work, 'done'), '');
    await cluster.wait(id);
    await until(async () => !stray.alive(), 'the epilogue has ended the process');
    assert.deepEqual(await hooks.leases(id), [`${id} node1 released`]);
  });

  test('ends a process of a job that is no more, without any lease', async () => {
    const stray = await aStray(jobMark(keyOf('9101.x')));
    const { stdout, code } = await hooks.reap('--json');
    assert.equal(code, 0);
    const { actions } = JSON.parse(stdout) as { actions: { action: string; jobId: string; failure: null }[] };
    assert.deepEqual(
      [...new Set(actions.map(({ action, jobId, failure }) => `${action} ${jobId} ${failure}`))],
      ['kill 9101.x null'],
    );
    await until(async () => !stray.alive(), 'the process is ended');
  });

  test('touches nothing and ends with 1 when the batch system does not answer', async () => {
    assertQuiet(await hooks.call('prologue', '9102.x'));
    await hooks.age('9102.x');
    const stray = await aStray(jobMark(keyOf('9102.x')));
    const stop = await execute([join(cluster.root, 'bin/vtorque'), 'local', 'stop', '--dir', hooks.instance], {
      env: { ...process.env, ...cluster.env },
    });
    assert.equal(stop.code, 0, stop.stderr);
    const { code, stdout, stderr } = await hooks.reap();
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /Cannot clear up: it is not known which jobs live/);
    assert.deepEqual(await hooks.leases('9102.x'), ['9102.x node1 prepared']);
    assert.ok(stray.alive());
    await cluster.restart();
    assert.equal((await hooks.reap()).code, 0);
    await until(async () => !stray.alive(), 'the process is ended');
    assert.deepEqual(await hooks.leases('9102.x'), ['9102.x node1 released']);
  });
});

describe('a clock that is set', () => {
  const hour = 3_600_000;

  test('back or forth while a job runs takes nothing from the job', async () => {
    await hooks.install(['prologue', 'epilogue']);
    const id = await plainJob(`cd "$PBS_O_WORKDIR"; echo > "set-$PBS_JOBID"; while [ ! -e over ]; do sleep 0.1; done`);
    await cluster.appears(`set-${id}`);
    const stray = await aStray(jobMark(keyOf(id)));
    for (const by of [-48 * hour, 96 * hour]) {
      await hooks.setClock(by, id);
      assert.deepEqual(await hooks.reap(), { code: 0, signal: null, stdout: '', stderr: '' });
      assert.deepEqual(await hooks.leases(id), [`${id} node1 prepared`]);
    }
    assert.ok(stray.alive());
    await writeFile(join(cluster.work, 'over'), '');
    await cluster.wait(id);
    await until(async () => !stray.alive(), 'the epilogue has ended the process');
    assert.deepEqual(await hooks.leases(id), [`${id} node1 released`]);
  });

  test('back after a job was prepared keeps the reaper from nothing', async () => {
    for (const [id, by] of [
      ['9501.x', -hour],
      ['9502.x', -48 * hour],
    ] as const) {
      assertQuiet(await hooks.call('prologue', id));
      await hooks.setClock(by, id);
      assert.match((await hooks.reap()).stdout, new RegExp(`^release job ${id} on node1$`, 'm'));
      assert.deepEqual(await hooks.leases(id), [`${id} node1 released`]);
    }
  });

  test('leaves tombstones for a day, and not for ever', async () => {
    const id = '9503.x';
    assertQuiet(await hooks.call('epilogue', id));
    await hooks.setClock(-hour, id);
    assert.equal((await hooks.reap()).stdout, '');
    assertQuiet(await hooks.call('prologue', id));
    assert.deepEqual(await hooks.leases(id), [`${id} node1 released`]);
    await hooks.setClock(-48 * hour, id);
    assert.equal((await hooks.reap()).stdout, `forget job ${id} on node1\n`);
    assert.deepEqual(await hooks.leases(id), []);
  });
});

test('a full disk under the leases: a release clears up all the same, and the reaper finishes it', {
  skip: whyNoSmallDisk,
}, async () => {
  const directory = join(hooks.instance, 'leases');
  const id = '9600.x';
  await using _ = await smallDisk(directory, '64k', '700');
  assertQuiet(await hooks.call('prologue', id));
  const stray = await aStray(jobMark(keyOf(id)));
  await fill(directory);
  const { code, stderr } = await hooks.call('epilogue', id);
  assert.equal(code, 0);
  assert.match(stderr, /^vtorque hook embedded epilogue: Cannot write the lease .*no space left on device/i);
  await until(async () => !stray.alive(), 'the process is ended');
  const prologue = await hooks.call('prologue', '9601.x');
  assert.equal(prologue.code, 0);
  assert.match(prologue.stderr, /no space left on device/i);
  const files = (await readdir(directory)).filter((name) => name.endsWith('.new'));
  assert.deepEqual([files, await hooks.leases(id, '9601.x')], [[], [`${id} node1 prepared`]]);
  await rm(join(directory, 'filler'));
  await hooks.age(id);
  assert.match((await hooks.reap()).stdout, new RegExp(`^release job ${id} on node1$`, 'm'));
  assert.deepEqual(await hooks.leases(id, '9601.x'), [`${id} node1 released`]);
});

test("a release ends what carries the job's mark, and nothing of others", { skip: !isRoot && 'not root' }, async () => {
  using other = aUser();
  const id = '9200.x';
  assertQuiet(await hooks.call('prologue', id));
  const mine = await aStray(jobMark(keyOf(id)));
  const another = await aStray(jobMark(keyOf('9201.x')));
  const others = await aStray(jobMark(keyOf(id)), other);
  assertQuiet(await hooks.call('epilogue', id));
  await until(async () => !mine.alive(), 'the process is ended');
  assert.ok(another.alive() && others.alive());
  for (const stray of [another, others]) stray.kill();
  await until(async () => !another.alive() && !others.alive(), 'the others are ended');
  await hooks.reap();
});

test('kill -9 of the daemon while our hooks run neither loses a release nor fails a hook', async () => {
  const gate = join(hooks.instance, 'mom_priv/gate');
  for (const event of ['prologue', 'epilogue'] as const) {
    await hooks.remove();
    await hooks.install(hookEvents);
    await hooks.install([event], gate);
    const id = await plainJob('exit 7');
    const log = join(hooks.instance, 'mom_priv/runs.log');
    await until(async () => (await readFile(log, 'utf8').catch(() => '')).includes('waits'), `the ${event} runs`);
    const daemon = await instanceInfo(cluster.env);
    assert.ok(daemon);
    process.kill(daemon.pid, 'SIGKILL');
    await until(async () => (await instanceInfo(cluster.env).catch(() => 'dying')) === undefined, 'it is gone');
    await writeFile(gate, '');
    await cluster.restart();
    assert.equal((await cluster.wait(id)).exitStatus, 7);
    assert.deepEqual(await runsOf(), ['epilogue 0 0', 'prologue 0 0']);
    assert.deepEqual(await hooks.leases(id), [`${id} node1 released`]);
    await rm(gate);
  }
});

test('qdel while the prologue runs ends the job before its script, and what was prepared is released', async () => {
  const gate = join(hooks.instance, 'mom_priv/gate');
  await hooks.install(hookEvents);
  await hooks.install(['prologue'], gate);
  const id = await plainJob(`touch "$PBS_O_WORKDIR/too-far"`);
  const log = join(hooks.instance, 'mom_priv/runs.log');
  await until(async () => (await readFile(log, 'utf8').catch(() => '')).includes('waits'), 'the prologue runs');
  const { code, stderr } = await cluster.run(['qdel', id]);
  assert.equal(code, 0, stderr);
  await writeFile(gate, '');
  assert.notEqual((await cluster.wait(id)).exitStatus, 0);
  assert.ok(!(await exists(join(cluster.work, 'too-far'))));
  assert.ok((await runsOf()).includes('epilogue 0 0'));
  assert.deepEqual(await hooks.leases(id), [`${id} node1 released`]);
  await rm(gate);
});

test('a hook that is killed leaves its lease to the next one', async () => {
  const id = '9400.x';
  assertQuiet(await hooks.call('prologue', id));
  const lock = join(hooks.instance, 'leases', `${leaseName(keyOf(id))}.lock`);
  const holder = spawn('flock', [lock, 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
  holder.stdin.write('.');
  await once(holder.stdout, 'data');
  const late = hooks.call('epilogue', id, { killedAfterMs: 1000 });
  assert.equal((await late).signal, 'SIGKILL');
  assert.deepEqual(await hooks.leases(id), [`${id} node1 prepared`]);
  holder.stdin.end();
  await once(holder, 'close');
  assertQuiet(await hooks.call('epilogue', id));
  assert.deepEqual(await hooks.leases(id), [`${id} node1 released`]);
});

test('a release that a crash has cut short is finished by the reaper', async () => {
  const id = '9401.x';
  assertQuiet(await hooks.call('prologue', id));
  const store = await hooks.store();
  const [lease] = (await store.list()).filter(({ key }) => key.jobId === id);
  assert.ok(lease);
  await store.write({ ...lease, state: 'releasing' });
  assert.match((await hooks.reap()).stdout, /^release job 9401.x on node1$/m);
  assert.deepEqual(await hooks.leases(id), [`${id} node1 released`]);
});

test('the doctor tells whether the hooks are there', async () => {
  const told = async (): Promise<string | undefined> => {
    const line = [join(cluster.root, 'bin/vtorque'), 'doctor', '--role', 'node', '--json'];
    const { stdout } = await execute(line, { env: { ...process.env, ...cluster.env } });
    const { findings } = JSON.parse(stdout) as { findings: { check: string; severity: string }[] };
    return findings.find(({ check }) => check === 'hooks')?.severity;
  };
  assert.equal(await told(), 'warning');
  await hooks.install();
  assert.equal(await told(), 'ok');
});
