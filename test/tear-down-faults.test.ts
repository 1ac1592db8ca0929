// Whatever is ended while a job is torn down, and a node without room: the job ends with the truth, and nothing of it is left.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { instanceInfo } from '../src/engine/embedded/index.ts';
import type { FinishedJob } from './support/cluster.ts';
import { until } from './support/embedded.ts';
import { ensureImage } from './support/images.ts';
import { type FoundProcess, processesOf } from './support/processes.ts';
import { fill, smallDisk, whyNoSmallDisk } from './support/small-disk.ts';
import { useCluster } from './support/use-cluster.ts';

const cluster = useCluster({ nodes: 2, np: 1, beforeStart: () => ensureImage('debian-12') });

const vm = ['-vm', 'img=host,vcpus=1,ram=256M'];
/** It ends when it is told to. What it leaves running does not want to end, so that the tear-down takes a while. */
const ending = `#!/bin/bash
cd "$PBS_O_WORKDIR"
setsid bash -c 'trap "" TERM; touch /tmp/stubborn; while true; do sleep 1; done' </dev/null >/dev/null 2>&1 &
while [ ! -e /tmp/stubborn ]; do sleep 0.05; done
echo >"up-$PBS_JOBID"
while [ ! -e "end-$PBS_JOBID" ]; do sleep 0.05; done
exit 0
`;
/** Half a second is a moment that a busy machine may miss; then there is another job. */
const attempts = 5;

/** Kill these processes of a job whose script has ended with 0, and whose guest is being torn down. */
async function killedInTearDown(victims: () => Promise<readonly number[]>, ...args: string[]): Promise<string> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const id = await cluster.submit([...vm, ...args], ending, 'ending.sh');
    await cluster.appears(`up-${id}`);
    const pids = await victims();
    const file = join(cluster.work, `end-${id}`);
    await writeFile(file, '');
    const tearsDown = async (): Promise<boolean> =>
      (await cluster.record(id)).some(({ event }) => event === 'tear-down');
    await until(tearsDown, 'the job is torn down');
    try {
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      return id;
    } catch {
      // Too late: it had ended.
      await cluster.endsCleanly(id);
    }
  }
  assert.fail('the tear-down was over each time before anything could be killed');
}

const pidsOf = (program: RegExp) => async () => (await processesOf(cluster.user, program)).map(({ pid }) => pid);

for (const [what, program] of [
  ['QEMU', /^qemu-system/],
  ['virtiofsd', /virtiofsd$/],
] as const) {
  test(`kill -9 of ${what} while the job is torn down is told, and is no success`, async () => {
    const { exitStatus, stderr } = await cluster.endsCleanly(await killedInTearDown(pidsOf(program)));
    assert.match(stderr.toString(), /^vtorque: Cannot go on: .* ended by SIGKILL/m);
    assert.ok(exitStatus === 242 || exitStatus === 247, `${exitStatus}`);
  });
}

test('kill -9 of the launcher while the job is torn down leaves nothing', async () => {
  const id = await killedInTearDown(pidsOf(/^start launch$/));
  assert.notEqual((await cluster.endsCleanly(id)).exitStatus, 0);
});

test('kill -9 of the agent of a node while the job is torn down is told, and leaves nothing on any node', async () => {
  const agent = async (): Promise<number[]> => {
    const isAgent = ({ args }: FoundProcess): boolean => args.includes('--node-agent');
    return (await processesOf(cluster.user, /^node$|^start/)).filter(isAgent).map(({ pid }) => pid);
  };
  // In the VM of that node nothing else takes its time.
  const epilogue = join(cluster.work, 'slow-epilogue');
  await writeFile(epilogue, '#!/bin/sh\nsleep 3\n');
  const id = await killedInTearDown(agent, '-l', 'nodes=2', '-vm', `vm_epilogue=${epilogue}`);
  const { exitStatus, stderr } = await cluster.endsCleanly(id);
  assert.match(stderr.toString(), /^vtorque: .*node "node2" is lost/m);
  assert.equal(exitStatus, 247);
});

test('kill -9 of the daemon, while the guest boots and while it is torn down, takes nothing from the job', async () => {
  const killDaemon = async (): Promise<void> => {
    const daemon = await instanceInfo(cluster.env);
    assert.ok(daemon);
    process.kill(daemon.pid, 'SIGKILL');
    await until(async () => (await instanceInfo(cluster.env).catch(() => 'dying')) === undefined, 'it is gone');
    await cluster.restart();
  };
  const booting = await cluster.submit(vm, '#!/bin/sh\nexit 6\n');
  await processesOf(cluster.user, /^qemu-system/);
  await killDaemon();
  const { exitStatus, stderr } = await cluster.endsCleanly(booting);
  assert.deepEqual([exitStatus, stderr.toString()], [6, '']);
  const ends = await killedInTearDown(async () => [(await instanceInfo(cluster.env))?.pid ?? assert.fail('no daemon')]);
  await until(async () => (await instanceInfo(cluster.env).catch(() => 'dying')) === undefined, 'it is gone');
  await cluster.restart();
  assert.equal((await cluster.endsCleanly(ends)).exitStatus, 0);
});

/** One without any room. */
async function fullDisk(directory: string): Promise<AsyncDisposable> {
  const disk = await smallDisk(directory, '64k');
  await fill(directory);
  return disk;
}

describe('a full disk', { skip: whyNoSmallDisk }, () => {
  const temporary = (): string => join(cluster.env.VTORQUE_LOCAL ?? '', 'tmp');
  // While the file system is there it is no residue.
  const ended = async (id: Promise<string>): Promise<FinishedJob> => cluster.wait(await id);
  const image = ['-vm', 'img=debian-12,vcpus=1,ram=512M'];

  afterEach(() => cluster.expectIdle());

  test('where QEMU keeps what a guest writes fails the job at once, with the reason', async () => {
    await using _ = await fullDisk(temporary());
    const { exitStatus, stderr } = await ended(cluster.submit(image, '#!/bin/sh\ntrue\n'));
    assert.match(stderr.toString(), /^vtorque: Cannot make a directory in ".*": its file system is full/m);
    assert.equal(exitStatus, 242);
  });

  test('while the guest writes to its system ends the job with the reason, and does not stop it for ever', async () => {
    await using _ = await smallDisk(temporary(), '48m');
    const script = '#!/bin/sh\ndd if=/dev/urandom of=/var/tmp/large bs=1M count=128\nsync\n';
    const { exitStatus, stderr } = await ended(cluster.submit(image, script));
    assert.match(stderr.toString(), /^vtorque: Cannot go on: no space is left in ".*" of the node/m);
    assert.equal(exitStatus, 246);
  });

  test('where the record of the job belongs keeps no job from its end', async () => {
    const state = join(cluster.user.home, '.local/state/vtorque');
    await using _ = await fullDisk(state);
    const { exitStatus, stdout } = await ended(cluster.submit(vm, '#!/bin/sh\necho done\nexit 4\n'));
    assert.deepEqual([exitStatus, stdout.toString()], [4, 'done\n']);
  });

  test('where the script works is told to the script', async () => {
    const directory = join(cluster.work, 'full');
    await using _ = await fullDisk(directory);
    const script = '#!/bin/sh\ncd "$PBS_O_WORKDIR/full"\ndd if=/dev/zero of=large bs=1M count=1 || exit 9\n';
    const { exitStatus, stderr } = await ended(cluster.submit(vm, script));
    assert.match(stderr.toString(), /No space left on device/);
    assert.equal(exitStatus, 9);
  });
});
