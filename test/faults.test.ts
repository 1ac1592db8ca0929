// Whatever is ended, at whatever moment: the job ends with the truth, and nothing of it is left.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { processesOf } from './support/processes.ts';
import { useCluster } from './support/use-cluster.ts';

const cluster = useCluster({ np: 1 });

const vm = ['-vm', 'img=host,vcpus=1,ram=512M'];
const sleeper = ['#!/bin/bash', 'cd "$PBS_O_WORKDIR"', 'echo > "running-$PBS_JOBID"', 'sleep 600', ''].join('\n');

/** A job whose script runs in its guest. */
async function runningJob(args: readonly string[] = []): Promise<string> {
  const id = await cluster.submit([...vm, ...args], sleeper, 'sleeper.sh');
  await cluster.appears(`running-${id}`);
  return id;
}

/** A job whose QEMU runs, and whose guest still boots. A clone that ends would be followed by a guest that boots. */
async function bootingJob(args: readonly string[] = []): Promise<string> {
  const id = await cluster.submit([...vm, '-vm', 'warm=off', ...args], sleeper, 'sleeper.sh');
  await processesOf(cluster.user, /qemu-system/);
  return id;
}

for (const [what, program, code] of [
  ['the launcher', /^start launch$/],
  ['QEMU', /^qemu-system/],
  ['virtiofsd', /virtiofsd$/],
  ["the holder of the job's network", /^jobnet$/, 243],
  ['slirp4netns', /^slirp4netns$/, 243],
] as const) {
  for (const [when, start] of [
    ['while the guest boots', bootingJob],
    ['while the script runs', runningJob],
  ] as const) {
    test(`kill -9 of ${what} ${when} ends the job with a failure and leaves nothing`, async () => {
      const id = await start();
      const [victim] = await processesOf(cluster.user, program);
      process.kill(victim.pid, 'SIGKILL');
      const { exitStatus } = await cluster.endsCleanly(id);
      assert.notEqual(exitStatus, 0);
      if (code !== undefined) assert.equal(exitStatus, code);
    });
  }
}

/** A clone starts in a tenth of a second, which a busy machine may miss; then there is another job. */
const attempts = 5;

const recordOf = async (id: string): Promise<string> =>
  (await cluster.record(id)).map((entry) => JSON.stringify(entry)).join('\n');

/** What a job of which this QEMU was ended before its guest ran says of its start. */
async function startWithout(isVictim: (args: readonly string[]) => boolean, script: string): Promise<string> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const id = await cluster.submit(vm, script);
    const [{ pid }] = await processesOf(cluster.user, /^qemu-system/, isVictim);
    process.kill(pid, 'SIGKILL');
    const { exitStatus, stderr } = await cluster.endsCleanly(id);
    const record = await recordOf(id);
    if (record.includes('"warm start')) continue;
    assert.deepEqual([exitStatus, stderr.toString()], [6, '']);
    return record;
  }
  assert.fail('the clone ran each time before it could be killed');
}

for (const [what, templateIsThere, isVictim] of [
  ['of the template in the making', false, () => true],
  ['of the clone', true, (args: readonly string[]) => args.includes('-incoming')],
] as const) {
  test(`kill -9 of the QEMU ${what} lets the guest boot, its record has the reason, and the next job starts warm`, async () => {
    await rm(join(cluster.user.home, '.cache/vtorque/templates'), { recursive: true, force: true });
    if (templateIsThere) await cluster.endsCleanly(await cluster.submit(vm, '#!/bin/sh\ntrue\n'));
    assert.match(await startWithout(isVictim, '#!/bin/sh\nexit 6\n'), /"cold boot: [^\n]*SIGKILL/);
    const { id } = await cluster.endsCleanly(await cluster.submit(vm, '#!/bin/sh\ntrue\n'));
    assert.match(await recordOf(id), /"warm start/);
  });
}

test('the end of QEMU is told to the user, with the phase', async () => {
  const id = await runningJob();
  const [qemu] = await processesOf(cluster.user, /^qemu-system/);
  process.kill(qemu.pid, 'SIGKILL');
  const { stderr, exitStatus } = await cluster.endsCleanly(id);
  assert.equal(exitStatus, 246);
  assert.match(stderr.toString(), /vtorque: Cannot go on: guest "vnode1-1" ended by SIGKILL[\s\S]*phase: script/);
});

test('the end of a server of shares is told to the user', async () => {
  const id = await runningJob();
  const [server] = await processesOf(cluster.user, /virtiofsd$/);
  process.kill(server.pid, 'SIGKILL');
  const { stderr, exitStatus } = await cluster.endsCleanly(id);
  assert.equal(exitStatus, 242);
  assert.match(stderr.toString(), /vtorque: Cannot go on: the server of "[^"]*" ended by SIGKILL/);
});

test('qdel while the guest boots leaves nothing', async () => {
  const id = await bootingJob();
  await cluster.run(['qdel', id]);
  assert.equal((await cluster.endsCleanly(id)).exitStatus, 271);
});

test('a job over its walltime is ended, said to be, and leaves nothing', async () => {
  const id = await cluster.submit([...vm, '-l', 'walltime=12'], sleeper, 'sleeper.sh');
  const { exitStatus, stderr } = await cluster.endsCleanly(id);
  assert.equal(exitStatus, -11);
  assert.match(stderr.toString(), /PBS: job killed: walltime \d+ exceeded limit 12/);
});

test('vtorque jobs says of a job that was ended what its launcher could still write down', async () => {
  const states = async (...ids: string[]): Promise<(string | undefined)[]> => {
    const { stdout } = await cluster.run(['vtorque', 'jobs', '--json']);
    const { jobs } = JSON.parse(stdout) as { jobs: { job: string; state: string }[] };
    return ids.map((id) => jobs.find(({ job }) => job === id)?.state);
  };
  const killed = await runningJob();
  assert.deepEqual(await states(killed), ['script']);
  const [launcher] = await processesOf(cluster.user, /^start launch$/);
  process.kill(launcher.pid, 'SIGKILL');
  await cluster.endsCleanly(killed);
  const early = await bootingJob();
  await cluster.run(['qdel', early]);
  await cluster.endsCleanly(early);
  const deaf = await cluster.submit(vm, sleeper.replace('cd ', 'trap "" TERM\ncd '), 'deaf.sh');
  await cluster.appears(`running-${deaf}`);
  await cluster.run(['qdel', deaf]);
  await cluster.endsCleanly(deaf);
  assert.deepEqual(await states(killed, early, deaf), [
    'ended, not known how',
    'ended by SIGTERM',
    'ended after SIGTERM',
  ]);
});

test('a job goes on when the batch system is restarted', async () => {
  const script = ['#!/bin/bash', 'cd "$PBS_O_WORKDIR"', 'echo > survivor', 'sleep 5', 'echo survived', 'exit 6', ''];
  const id = await cluster.submit(vm, script.join('\n'), 'survivor.sh');
  await cluster.appears('survivor');
  await cluster.restart();
  const { stdout, exitStatus } = await cluster.endsCleanly(id);
  assert.deepEqual([stdout.toString(), exitStatus], ['survived\n', 6]);
});

test('QEMU and virtiofsd run as the user, without any capability, and confined', async () => {
  const id = await runningJob();
  const programs = [/^qemu-system/, /virtiofsd$/];
  for (const program of programs) {
    for (const { pid } of await processesOf(cluster.user, program)) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
      const { uid } = cluster.user;
      assert.equal(field('Uid'), [uid, uid, uid, uid].join('\t'));
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(field(set), /^0+$/, `${set} of ${pid}`);
      assert.deepEqual([field('NoNewPrivs'), field('Seccomp')], ['1', '2']);
    }
  }
  await cluster.run(['qdel', id]);
  await cluster.endsCleanly(id);
});
