// What a user's job sees and gives back, in both guests: each of these jobs runs in a VM of its own.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { execute } from './support/cluster.ts';
import { ensureImage } from './support/images.ts';
import { useCluster } from './support/use-cluster.ts';

const guests = ['host', 'debian-12'];

const cluster = useCluster({ beforeStart: () => ensureImage('debian-12') });

/** Submit a script for a guest and wait for its end. */
async function runJob(guest: string, lines: readonly string[], { args = [] as string[], name = 'job.sh' } = {}) {
  const vm = ['-vm', `img=${guest},vcpus=1,ram=512M`];
  const id = await cluster.submit([...vm, ...args], ['#!/bin/bash', ...lines, ''].join('\n'), name);
  return cluster.wait(id);
}

for (const guest of guests) {
  describe(`a job with img=${guest}`, { concurrency: 2 }, () => {
    test('runs in a virtual machine, as the user, in the directory of a batch job', async () => {
      const facts = ['uname -r', 'hostname', 'id -u', 'id -g', 'pwd', 'cat /sys/class/dmi/id/sys_vendor', 'umask'];
      const { stdout, stderr, exitStatus } = await runJob(guest, facts, { name: 'who.sh' });
      const { uid, gid, home } = cluster.user;
      const [kernel, ...rest] = stdout.toString().trimEnd().split('\n');
      const host = (await readFile('/proc/sys/kernel/osrelease', 'utf8')).trim();
      assert.notEqual(kernel, host);
      assert.deepEqual(rest, ['vnode1-1', `${uid}`, `${gid}`, home, 'QEMU', '0077']);
      assert.deepEqual([stderr.toString(), exitStatus], ['', 0]);
    });

    test("writes the user's files, which are his on the host", async () => {
      const file = `written-${guest}.txt`;
      const { exitStatus } = await runJob(guest, ['cd "$PBS_O_WORKDIR"', `hostname > ${file}`], { name: 'write.sh' });
      assert.equal(exitStatus, 0);
      const path = join(cluster.work, file);
      assert.equal(await readFile(path, 'utf8'), 'vnode1-1\n');
      assert.deepEqual([(await stat(path)).uid, (await stat(path)).gid], [cluster.user.uid, cluster.user.gid]);
    });

    test('has the environment of the job, -v with blanks and quotes included, and its arguments', async () => {
      const greeting = `x "y" 'z' $HOME`;
      const { stdout, exitStatus } = await runJob(
        guest,
        [
          ...['printf "%s\\n" "$PBS_JOBNAME" "$PBS_O_WORKDIR" "$PBS_ENVIRONMENT" "$GREETING" "$EMPTY" "$#" "$2"'],
          ...['cat "$PBS_NODEFILE"', 'cat'],
        ],
        { args: ['-v', `GREETING=${greeting},EMPTY`, '-F', '"first arg" second', '-N', 'envjob'], name: 'env.sh' },
      );
      const lines = stdout.toString().split('\n');
      assert.deepEqual(lines, ['envjob', cluster.work, 'PBS_BATCH', greeting, '', '2', 'second', 'vnode1-1', '']);
      assert.equal(exitStatus, 0);
    });

    for (const [what, line, expected] of [
      ['exit code', 'exit 3', 3],
      ['death by a signal', 'kill -SEGV $$', 139],
    ] as const) {
      test(`gives back the script's ${what}`, async () => {
        const { exitStatus } = await runJob(guest, [line], { name: `exit${expected}.sh` });
        assert.equal(exitStatus, expected);
      });
    }

    test('keeps standard output and standard error apart, and every byte of them', async () => {
      const bytes =
        'import sys; b = bytes(range(256)) * 4096; sys.stdout.buffer.write(b); sys.stderr.buffer.write(b[::-1])';
      const { stdout, stderr } = await runJob(guest, [`python3 -c '${bytes}'`], { name: 'bytes.sh' });
      const expected = Buffer.concat(
        Array.from({ length: 4096 }, () => Buffer.from(Array.from({ length: 256 }, (_, i) => i))),
      );
      assert.ok(stdout.equals(expected), `${stdout.length} bytes of output are not those written`);
      assert.ok(
        stderr.equals(Buffer.from(expected).reverse()),
        `${stderr.length} bytes of errors are not those written`,
      );
    });

    test('ends when the script ends, although a process that it left behind holds its output', async () => {
      const { stdout, exitStatus } = await runJob(guest, ['setsid sleep 600 &', 'echo done', 'exit 4']);
      assert.deepEqual([stdout.toString(), exitStatus], ['done\n', 4]);
    });

    test('gives the script TERM and time for its trap when the job is deleted', async () => {
      const trap = ['trap "echo trapped; exit 9" TERM', 'echo ready > started', 'while :; do sleep 0.1; done'];
      const vm = ['-vm', `img=${guest},vcpus=1,ram=512M`];
      const script = ['#!/bin/bash', 'cd "$PBS_O_WORKDIR"', ...trap, '']
        .join('\n')
        .replace('started', `started-${guest}`);
      const id = await cluster.submit(vm, script, 'trap.sh');
      await cluster.appears(`started-${guest}`);
      assert.equal((await cluster.run(['qdel', id])).code, 0);
      const { stdout, exitStatus } = await cluster.wait(id);
      assert.deepEqual([stdout.toString(), exitStatus], ['trapped\n', 271]);
    });

    test('gives the script the signals of qsig', async () => {
      const lines = [
        'cd "$PBS_O_WORKDIR"',
        `trap "echo usr1; echo > usr1-${guest}" USR1`,
        'trap "echo usr2; exit 5" USR2',
      ];
      const script = ['#!/bin/bash', ...lines, `echo > ready-${guest}`, 'while :; do sleep 0.1; done', ''].join('\n');
      const id = await cluster.submit(['-vm', `img=${guest},vcpus=1,ram=512M`], script, 'sig.sh');
      await cluster.appears(`ready-${guest}`);
      assert.equal((await cluster.run(['qsig', '-s', 'SIGUSR1', id])).code, 0);
      await cluster.appears(`usr1-${guest}`);
      assert.equal((await cluster.run(['qsig', '-s', 'USR2', id])).code, 0);
      const { stdout, exitStatus } = await cluster.wait(id);
      assert.equal(stdout.toString(), 'usr1\nusr2\n');
      // As on the bare node: the signal goes to the job's login shell too, and USR1 ends that.
      assert.equal(exitStatus, 266);
    });
  });
}

test('200 MB of output arrive whole', async () => {
  const numbers = 'seq 1 30000000 | head -c 200000000';
  const { stdout } = await runJob('host', [numbers], { name: 'much.sh' });
  assert.equal(stdout.length, 200_000_000);
  const expected = await execute(['sh', '-c', `${numbers} | sha256sum`], {});
  assert.equal(createHash('sha256').update(stdout).digest('hex'), expected.stdout.split(' ')[0]);
});

test('an array runs each element in a VM of its own', async () => {
  const script = '#!/bin/sh\necho "element $PBS_ARRAYID on $(hostname)"\n';
  const id = await cluster.submit(['-t', '1-2', '-vm', 'img=host,vcpus=1,ram=512M'], script, 'array.sh');
  const elements = await Promise.all([1, 2].map((n) => cluster.wait(id.replace('[]', `[${n}]`))));
  assert.deepEqual(
    elements.map(({ stdout }) => stdout.toString()),
    ['element 1 on vnode1-1\n', 'element 2 on vnode1-1\n'],
  );
});

test('a script on standard input runs as it is', async () => {
  const { stdout } = await cluster.run(['vsub', '-vm', 'img=host,vcpus=1,ram=512M'], { input: 'echo "a  b\\c"\n' });
  const job = await cluster.wait(stdout.trim());
  assert.equal(job.status.name, 'STDIN');
  assert.equal(job.stdout.toString(), 'a  b\\c\n');
});

test('#PBS lines of the script count, -vm ones too', async () => {
  const script = '#!/bin/sh\n#PBS -N directed\n#PBS -vm img=host,ram=512M\n#PBS -j oe\nhostname\nhostname >&2\n';
  const id = await cluster.submit([], script, 'directives.sh');
  const job = await cluster.wait(id);
  assert.equal(job.status.name, 'directed');
  assert.equal(job.stdout.toString(), 'vnode1-1\nvnode1-1\n');
});
