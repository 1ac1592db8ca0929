// Whatever is ended while a job is torn down, and a node without room: the job ends with the truth, and nothing of it is left.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { instanceInfo } from '../src/engine/embedded/index.ts';
import { execute, type FinishedJob, startCluster, type TestCluster } from './support/cluster.ts';
import { until } from './support/embedded.ts';
import { ensureImage } from './support/images.ts';
import { type FoundProcess, processesOf } from './support/processes.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { isRoot } from './support/users.ts';

let cluster: TestCluster;
let clean: Residue;
/** With the batch system itself running, but no job. */
let idle: Residue;

before(async () => {
  await ensureImage('debian-12');
  clean = await lookForResidue();
  cluster = await startCluster({ nodes: 2, np: 1 });
  idle = await lookForResidue();
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
  await expectNoResidue(clean);
});

const vm = ['-vm', 'img=host,vcpus=1,ram=256M'];
/** What it leaves running does not want to end, so that the tear-down takes a while. */
const ending = `#!/bin/bash
setsid bash -c 'trap "" TERM; while true; do sleep 1; done' </dev/null >/dev/null 2>&1 &
exit 0
`;

const recordOf = (id: string): string => join(cluster.user.home, `.local/state/vtorque/jobs/${id}.jsonl`);

/** A job whose script has ended with 0, and whose guest is being torn down. */
async function endingJob(...args: string[]): Promise<string> {
  const id = await cluster.submit([...vm, ...args], ending, 'ending.sh');
  const record = recordOf(id);
  const tearsDown = async (): Promise<boolean> =>
    (await readFile(record, 'utf8').catch(() => '')).includes('"tear-down"');
  await until(tearsDown, 'the job is torn down', 120_000);
  return id;
}

async function endsCleanly(id: string): Promise<FinishedJob> {
  const job = await cluster.wait(id);
  await expectNoResidue(idle);
  return job;
}

for (const [what, program] of [
  ['QEMU', /^qemu-system/],
  ['virtiofsd', /virtiofsd$/],
] as const) {
  test(`kill -9 of ${what} while the job is torn down is told, and is no success`, async () => {
    const id = await endingJob();
    for (const { pid } of await processesOf(cluster.user, program)) process.kill(pid, 'SIGKILL');
    const { exitStatus, stderr } = await endsCleanly(id);
    assert.match(stderr.toString(), /^vtorque: Cannot go on: .* ended by SIGKILL/m);
    assert.ok(exitStatus === 242 || exitStatus === 247, `${exitStatus}`);
  });
}

test('kill -9 of the launcher while the job is torn down leaves nothing', async () => {
  const id = await endingJob();
  const [launcher] = await processesOf(cluster.user, /^start launch$/);
  process.kill(launcher.pid, 'SIGKILL');
  assert.notEqual((await endsCleanly(id)).exitStatus, 0);
});

test('kill -9 of the agent of a node while the job is torn down is told, and leaves nothing on any node', async () => {
  const id = await endingJob('-l', 'nodes=2');
  const isAgent = ({ args }: FoundProcess): boolean => args.includes('--node-agent');
  const agent = (await processesOf(cluster.user, /^node$|^start/)).find(isAgent);
  assert.ok(agent);
  process.kill(agent.pid, 'SIGKILL');
  const { exitStatus, stderr } = await endsCleanly(id);
  assert.match(stderr.toString(), /^vtorque: .*node "node2" is lost/m);
  assert.equal(exitStatus, 247);
});

for (const [when, start] of [
  [
    'boots',
    async () => {
      const id = await cluster.submit(vm, ending, 'ending.sh');
      await processesOf(cluster.user, /^qemu-system/);
      return id;
    },
  ],
  ['is torn down', endingJob],
] as const) {
  test(`kill -9 of the daemon while the guest ${when} takes nothing from the job`, async () => {
    const id = await start();
    const daemon = await instanceInfo(cluster.env);
    assert.ok(daemon);
    process.kill(daemon.pid, 'SIGKILL');
    await until(async () => (await instanceInfo(cluster.env).catch(() => 'dying')) === undefined, 'it is gone');
    await cluster.restart();
    const { exitStatus, stderr } = await endsCleanly(id);
    assert.deepEqual([exitStatus, stderr.toString()], [0, '']);
  });
}

/** A small file system of its own in place of a directory. */
async function smallDisk(directory: string, size: string): Promise<AsyncDisposable> {
  await mkdir(directory, { recursive: true });
  const must = async (...command: string[]): Promise<void> => {
    const { code, stderr } = await execute(command, { env: process.env });
    assert.equal(code, 0, stderr);
  };
  await must('mount', '-t', 'tmpfs', '-o', `size=${size},mode=1777`, 'small', directory);
  return { [Symbol.asyncDispose]: () => must('umount', directory) };
}

/** One without any room. */
async function fullDisk(directory: string): Promise<AsyncDisposable> {
  const disk = await smallDisk(directory, '64k');
  await execute(['dd', 'if=/dev/zero', `of=${directory}/filler`, 'bs=4k'], { env: process.env });
  assert.equal((await statfs(directory)).bavail, 0);
  return disk;
}

const trial = isRoot ? spawnSync('unshare', ['--mount', 'true'], { timeout: 20_000 }).status : 1;
const skip = trial === 0 ? false : 'file systems cannot be mounted here';

describe('a full disk', { skip }, () => {
  const temporary = (): string => join(cluster.env.VTORQUE_LOCAL ?? '', 'tmp');
  // While the file system is there it is no residue.
  const ended = async (id: Promise<string>): Promise<FinishedJob> => cluster.wait(await id);
  const image = ['-vm', 'img=debian-12,vcpus=1,ram=512M'];

  afterEach(() => expectNoResidue(idle));

  test('where QEMU keeps what a guest writes fails the job at once, with the reason', async () => {
    await using _ = await fullDisk(temporary());
    const { exitStatus, stderr } = await ended(cluster.submit(image, '#!/bin/sh\ntrue\n'));
    assert.match(stderr.toString(), /^vtorque: Cannot start guest [\s\S]*No space left on device/m);
    assert.equal(exitStatus, 244);
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
