// ssh between the VMs of a job and into them.
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FinishedJob } from './support/cluster.ts';
import { useCluster } from './support/use-cluster.ts';

const cluster = useCluster({ nodes: 2, np: 2 });

const waiting = ['#!/bin/bash', 'cd "$PBS_O_WORKDIR"', 'echo > running', 'until [ -e go ]; do sleep 0.2; done', ''];

/** A job whose script runs until `over`. */
async function runningJob(args: readonly string[] = vm): Promise<{ id: string; over: () => Promise<FinishedJob> }> {
  await Promise.all(['running', 'go'].map((file) => rm(join(cluster.work, file), { force: true })));
  const id = await cluster.submit(args, waiting.join('\n'));
  await cluster.appears('running');
  return {
    id,
    over: async () => {
      await writeFile(join(cluster.work, 'go'), '');
      return cluster.endsCleanly(id);
    },
  };
}

const vm = ['-vm', 'img=host,vcpus=1,ram=512M'];

test('a script logs in to its VM by name without a question, and finds the environment of the job there', async () => {
  const script = [
    '#!/bin/bash',
    `ssh "$(hostname)" 'hostname; id -un; echo "$PBS_JOBID|$GREETING|$HOSTNAME"; cat $PBS_NODEFILE; exit 3'`,
    'echo "code $?"',
    'ls -A ~/.ssh; stat -c "%a %U %n" /run/vtorque/ssh /run/vtorque/ssh/identity; cat /run/vtorque/ssh/host_key',
    'ssh -o BatchMode=yes "root@$(hostname)" true 2>refused; grep -o "Permission denied (publickey)" refused',
  ];
  const greeting = `two  words, "quotes" \\ 'and' $more # \u00fc`;
  const submitted = await cluster.run(['vsub', ...vm, '-v', 'GREETING'], {
    input: script.join('\n'),
    env: { GREETING: greeting },
  });
  const id = submitted.stdout.trim();
  const { stdout, stderr, exitStatus } = await cluster.wait(id);
  const { name } = cluster.user;
  assert.deepEqual(stdout.toString().split('\n'), [
    ...['vnode1-1', name, `${id}|${greeting}|vnode1-1`, 'vnode1-1', 'code 3'],
    ...['711 root /run/vtorque/ssh', `600 ${name} /run/vtorque/ssh/identity`, 'Permission denied (publickey)', ''],
  ]);
  assert.match(stderr.toString(), /^ls: .*No such file.*\ncat: .*host_key: Permission denied\n$/);
  assert.equal(exitStatus, 0);
  await cluster.expectIdle();
});

test('vtorque ssh runs a command in the VM, with its input, output and exit code', async () => {
  const { id, over } = await runningJob();
  const ssh = (...args: readonly string[]) => cluster.run(['vtorque', 'ssh', ...args], { input: 'in\n' });
  const command = 'cat; hostname; echo "$PBS_JOBID"; echo problem >&2; exit 5';
  const ran = await ssh(id, command);
  assert.deepEqual([ran.stdout, ran.stderr, ran.code], [`in\nvnode1-1\n${id}\n`, 'problem\n', 5]);
  const [short = ''] = id.split('.');
  assert.equal((await ssh('--rank', '0', short, 'id', '-un')).stdout, `${cluster.user.name}\n`);
  const none = await ssh(`${short}/1`, 'true');
  assert.match(none.stderr, /^vtorque: Cannot log in to job ".*": it has no VM 1\n {2}hint: It has one VM, /);
  const { stderr, exitStatus } = await over();
  assert.deepEqual([stderr.toString(), exitStatus], ['', 0]);
});

test('files go to the VM and back by vtorque scp and by rsync', async () => {
  const { id, over } = await runningJob();
  const tree = join(cluster.work, 'tree');
  await mkdir(join(tree, 'sub'), { recursive: true });
  await writeFile(join(tree, 'sub/file'), 'content');
  const steps = [
    ['vtorque', 'scp', '-r', '-q', 'tree', `${id}/0:/tmp/copy`],
    ['vtorque', 'scp', '-q', `${id}:/tmp/copy/sub/file`, 'back'],
    ['rsync', '-a', '-e', 'vtorque ssh', `${id}:/tmp/copy/`, 'synced'],
  ];
  for (const step of steps) {
    const { code, stderr } = await cluster.run(step);
    assert.deepEqual([code, stderr], [0, ''], step.join(' '));
  }
  for (const file of ['back', 'synced/sub/file']) {
    assert.equal(await readFile(join(cluster.work, file), 'utf8'), 'content');
  }
  const several = await cluster.run(['vtorque', 'scp', `${id}/0:a`, `${id}/1:b`, '.']);
  assert.match(several.stderr, /they are in several VMs\n {2}hint: /);
  await over();
});

test('a VM of another node is reached by its rank, and by its name from the first', async () => {
  const { id, over } = await runningJob(['-l', 'nodes=2', '-d', cluster.work, ...vm]);
  const names = (await cluster.run(['vtorque', 'ssh', id, 'uniq "$PBS_NODEFILE"'])).stdout.trim().split('\n');
  assert.deepEqual(names.toSorted(), ['vnode1-1', 'vnode2-1']);
  const other = await cluster.run(['vtorque', 'ssh', `${id}/1`, `hostname; ssh ${names[0]} hostname; exit 6`]);
  assert.deepEqual([other.stdout, other.stderr, other.code], [`${names[1]}\n${names[0]}\n`, '', 6]);
  await writeFile(join(cluster.work, 'here'), 'text');
  assert.equal((await cluster.run(['vtorque', 'scp', '-q', 'here', `${id}/1:/tmp/there`])).code, 0);
  await using terminal = await cluster.atTerminal(['vtorque', 'console', `${id}/1`]);
  await terminal.expect(/\$ /);
  terminal.type('echo "<$(hostname) $(cat /tmp/there) $PWD>"\r');
  await terminal.expect(new RegExp(`<${names[1]} text ${cluster.work}>`));
  terminal.type('exit 7\r');
  assert.equal(await terminal.exit, 7);
  await over();
});

test('ssh=false makes no keys and starts no server', async () => {
  const { id, over } = await runningJob(['-vm', 'img=host,vcpus=1,ram=512M,ssh=false']);
  const { stderr, code } = await cluster.run(['vtorque', 'ssh', id]);
  assert.match(stderr, /^vtorque: Cannot log in to job ".*": it was submitted with -vm ssh=false\n {2}hint: .*console/);
  assert.equal(code, 1);
  await over();
});
