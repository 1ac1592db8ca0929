// Interactive jobs in VMs, at real terminals.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processesOf } from './support/processes.ts';
import { answer, followsTheWindow, interruptsForeground } from './support/shell-at-terminal.ts';
import type { AtTerminal } from './support/terminal.ts';
import { useCluster } from './support/use-cluster.ts';

const cluster = useCluster({ np: 1 });

const vm = ['-vm', 'img=host,vcpus=1,ram=512M'];

function run(...command: string[]): Promise<AtTerminal> {
  return cluster.atTerminal(command);
}

/** The id of a job whose shell runs. */
async function atPrompt(terminal: AtTerminal): Promise<string> {
  const [, id = ''] = await terminal.expect(/qsub: waiting for job (\S+) to start\r\n/);
  await terminal.expect(new RegExp(`qsub: job ${id} ready\r\n\r\n`));
  await terminal.expect(/vtorque: starting the virtual machine\r\n/);
  await terminal.expect(/\$ /);
  return id;
}

test('vsub -I gives a shell at a terminal of the guest, and ends with its exit code', async () => {
  await using terminal = await run('vsub', '-I', ...vm);
  const id = await atPrompt(terminal);
  assert.equal(
    await answer(terminal, 'hostname; id -un; pwd; echo $0 $TERM $PBS_ENVIRONMENT $PBS_JOBID'),
    `vnode1-1 ${cluster.user.name} ${cluster.user.home} -bash vt100 PBS_INTERACTIVE ${id}`,
  );
  await followsTheWindow(terminal);
  await interruptsForeground(terminal);
  terminal.type('exit 7\r');
  await terminal.expect(new RegExp(`logout\r\n\r\nqsub: job ${id} completed\r\n`));
  assert.equal(await terminal.exit, 7);
  assert.equal((await cluster.wait(id)).exitStatus, 7);
  await cluster.expectIdle();
});

test('vsub -I -x runs a command in the guest, also without a terminal, and ends with its exit code', async () => {
  const command = ['-x', '--', 'hostname;', 'echo', '"a  \'b\'"', '$HOME;', 'cat;', 'exit', '3'];
  const { stdout, stderr, code } = await cluster.run(['vsub', '-I', ...vm, ...command], { input: 'typed\n' });
  assert.match(stdout, new RegExp(`\nvnode1-1\r\na {2}'b' ${cluster.user.home}\r\ntyped\r\n(typed\r\n)?`));
  assert.deepEqual([stderr, code], ['', 3]);
  await cluster.expectIdle();
});

test('much output arrives whole, and the terminal is as before', async () => {
  const script = 'stty -g; vsub -I -vm img=host,ram=512M -x seq 1 100000; echo "vsub ended with $?"; stty -g';
  await using terminal = await run('bash', '-c', script);
  const [, before] = await terminal.expect(/^([0-9a-f:]+)\r\n/);
  const [all] = await terminal.expect(/\r\n1\r\n2\r\n[\d\r\n]*\r\n100000\r\n/);
  assert.equal(all, `\r\n${Array.from({ length: 100_000 }, (_, i) => `${i + 1}\r\n`).join('')}`);
  await terminal.expect(/vsub ended with 0\r\n/);
  const [, after] = await terminal.expect(/([0-9a-f:]+)\r\n/);
  assert.equal(after, before);
});

test('kill -9 of vsub ends the job, leaves nothing, and sets the terminal back', async () => {
  await using terminal = await run('bash', '-c', `stty -g; vsub -I ${vm.join(' ')}; sleep 1; stty -g; echo back`);
  const [, before] = await terminal.expect(/^([0-9a-f:]+)\r\n/);
  await atPrompt(terminal);
  const [client] = await processesOf(cluster.user, /^start vsub$/);
  process.kill(client.pid, 'SIGKILL');
  await cluster.expectIdle();
  const [, after] = await terminal.expect(/([0-9a-f:]+)\r\nback\r\n/);
  assert.equal(after, before);
});

test('kill -9 of vsub takes back a job that still waits', async () => {
  await using running = await run('qsub', '-I');
  await running.expect(/qsub: job \S+ ready\r\n/);
  await using waiting = await run('vsub', '-I', ...vm);
  const [, id = ''] = await waiting.expect(/qsub: waiting for job (\S+) to start\r\n/);
  const [client] = await processesOf(cluster.user, /^start vsub$/);
  process.kill(client.pid, 'SIGKILL');
  assert.equal((await cluster.wait(id)).exitStatus, 271);
});

test('the end of QEMU is told at the terminal, with its exit code', async () => {
  await using terminal = await run('vsub', '-I', ...vm);
  await atPrompt(terminal);
  const [qemu] = await processesOf(cluster.user, /^qemu-system/);
  process.kill(qemu.pid, 'SIGKILL');
  await terminal.expect(/vtorque: Cannot go on: guest "vnode1-1" ended by SIGKILL[\s\S]*\r\n {2}phase: script\r\n/);
  assert.equal(await terminal.exit, 246);
  await cluster.expectIdle();
});

test('what the batch system refuses is refused in its words, with its exit code', async () => {
  const { stdout, stderr, code } = await cluster.run(['vsub', '-I', ...vm, '-l', 'nodes=nosuch', '-x', 'true']);
  assert.deepEqual([stdout, code], ['', 190]);
  assert.match(stderr, /^qsub: submit error \(Job exceeds queue resource limits .*\)\n$/);
  const options = await cluster.run(['vsub', '-I', ...vm, '-x', 'wc', '-l']);
  assert.match(options.stderr, /^qsub: option requires an argument -- 'l'\n/);
  assert.equal(options.code, 2);
});

test('Ctrl-C while the guest boots gives the job up and leaves nothing', async () => {
  await using terminal = await run('vsub', '-I', ...vm);
  await terminal.expect(/vtorque: starting the virtual machine\r\n/);
  await processesOf(cluster.user, /^qemu-system/);
  terminal.type('\x03');
  assert.equal(await terminal.exit, 130);
  await cluster.expectIdle();
});

test('a terminal that hangs up ends the job and leaves nothing', async () => {
  await using terminal = await run('vsub', '-I', ...vm);
  await atPrompt(terminal);
  terminal.hangUp();
  await cluster.expectIdle();
});

test('qdel ends the session, which says that it does not know how the shell ended, or that it was hung up', async () => {
  await using terminal = await run('vsub', '-I', ...vm);
  const id = await atPrompt(terminal);
  await cluster.run(['qdel', id]);
  await terminal.expect(new RegExp(`qsub: job ${id} completed`));
  assert.notEqual(await terminal.exit, 0);
  await cluster.expectIdle();
});
