// Terminals of running VMs, and VMs that stay after their script.
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { timelinePath } from '../src/job/index.ts';
import { patienceMs } from './support/cluster.ts';
import { ensureImage } from './support/images.ts';
import { processesOf } from './support/processes.ts';
import type { AtTerminal } from './support/terminal.ts';
import { useCluster } from './support/use-cluster.ts';

const cluster = useCluster({ np: 1, beforeStart: () => ensureImage('debian-12') });

const vm = 'img=host,vcpus=1,ram=512M';

function console(id: string): Promise<AtTerminal> {
  return cluster.atTerminal(['vtorque', 'console', id]);
}

/** The shell's answer to a command, told apart from the echo of what was typed. */
async function answer(terminal: AtTerminal, command: string): Promise<string> {
  terminal.type(`echo "<"$(${command})">"\r`);
  return (await terminal.expect(/<([^"$]*)>\r[^$]*\$ /))[1] ?? '';
}

const record = (id: string) => cluster.record(id);

/** A job whose script is over and whose VM is kept. */
async function keptJob(lines: readonly string[], { img = 'host', args = [] as readonly string[] } = {}) {
  const request = `img=${img},vcpus=1,ram=512M,keep=10`;
  const id = await cluster.submit(['-vm', request, ...args], ['#!/bin/bash', ...lines, ''].join('\n'), 'kept.sh');
  const deadline = Date.now() + patienceMs;
  while (!(await record(id)).some(({ event }) => event === 'keep')) {
    assert.ok(Date.now() < deadline, 'the VM is not kept');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return id;
}

for (const img of ['host', 'debian-12']) {
  test(`keep= with img=${img}: the owner gets in after the script has failed, and leaving the console ends the job with the script's exit code`, async () => {
    const id = await keptJob(['echo out', 'echo left > /tmp/left', 'exit 3'], { img });
    await using terminal = await console(id);
    await terminal.expect(/\$ /);
    assert.equal(
      await answer(terminal, 'hostname; id -un; cat /tmp/left; echo $0 $TERM $PBS_JOBID; stty size'),
      `vnode1-1 ${cluster.user.name} left -bash vt100 ${id} 24 80`,
    );
    terminal.type('trap "stty size" WINCH; echo ar""med\r');
    await terminal.expect(/armed\r[^$]*\$ /);
    terminal.resize(132, 50);
    await terminal.expect(/50 132\r/);
    terminal.type('exit 7\r');
    assert.equal(await terminal.exit, 7);
    const { stdout, stderr, exitStatus } = await cluster.endsCleanly(id);
    assert.deepEqual([stdout.toString(), exitStatus], ['out\n', 3]);
    assert.match(
      stderr.toString(),
      new RegExp(
        `^vtorque: the script ended with exit code 3; its VM is kept until [-\\d]+ [:\\d]+; get in on \\S+ with: vtorque console ${id}\n$`,
      ),
    );
    const events = (await record(id)).map(({ event }) => event).filter((event) => event !== 'fact');
    assert.deepEqual(events.slice(-4), ['script', 'keep', 'tear-down', 'end']);
  });
}

test('a console also works while the script runs, by the short id, and leaving it changes nothing', async () => {
  const lines = [
    '#!/bin/bash',
    'cd "$PBS_O_WORKDIR"',
    'echo > running',
    'while [ ! -e go ]; do sleep 0.2; done',
    'exit 4',
    '',
  ];
  const id = await cluster.submit(['-vm', vm], lines.join('\n'), 'running.sh');
  await cluster.appears('running');
  const end = await cluster.run(['vtorque', 'console', '--end', id]);
  assert.deepEqual([end.stdout, end.code], ['vtorque: the script still runs: its VM is not kept\n', 1]);
  await using terminal = await console(`${id.split('.')[0]}/0`);
  await terminal.expect(/\$ /);
  assert.equal(
    await answer(terminal, "hostname; grep -l '[/]run/vtorque/[^s]' /proc/[0-9]*/cmdline | wc -l"),
    'vnode1-1 1',
  );
  terminal.type('exit\r');
  assert.equal(await terminal.exit, 0);
  const piped = await cluster.run(['vtorque', 'console', id], { input: 'true\n' });
  assert.match(piped.stderr, /^vtorque: Cannot open a console: standard input is no terminal\n/);
  await writeFile(join(cluster.work, 'go'), '');
  const { stderr, exitStatus } = await cluster.endsCleanly(id);
  assert.deepEqual([stderr.toString(), exitStatus], ['', 4]);
  const late = await cluster.run(['vtorque', 'console', '--end', id]);
  assert.match(late.stderr, /^vtorque: Cannot open a console of job ".*": the job has ended\n/);
  assert.equal(late.code, 1);
});

test('a VM is kept although its script could not be started, and --end lets it go', async () => {
  // The node's own /tmp is not in the guest.
  const shell = join(await mkdtemp(join(tmpdir(), 'vtt-shell-')), 'sh');
  await symlink('/bin/bash', shell);
  await chmod(dirname(shell), 0o755);
  const id = await keptJob(['true'], { args: ['-S', shell] });
  const { code, stderr } = await cluster.run(['vtorque', 'console', '--end', id]);
  assert.deepEqual([stderr, code], ['', 0]);
  const job = await cluster.endsCleanly(id);
  assert.equal(job.exitStatus, 246);
  assert.match(
    job.stderr.toString(),
    /vtorque: the script could not be started; its VM is kept[^\n]*\nvtorque: Cannot run the script in guest/,
  );
  await rm(dirname(shell), { recursive: true });
});

test('qdel of a job whose VM is kept ends it, the console in it, and leaves nothing', async () => {
  const id = await keptJob(['exit 5']);
  await using terminal = await console(id);
  await terminal.expect(/\$ /);
  await cluster.run(['qdel', id]);
  await cluster.endsCleanly(id);
  assert.notEqual(await terminal.exit, 0);
});

test('kill -9 of the launcher while the VM is kept leaves nothing', async () => {
  const id = await keptJob(['true']);
  await using terminal = await console(id);
  await terminal.expect(/\$ /);
  const [launcher] = await processesOf(cluster.user, /^start launch$/);
  process.kill(launcher.pid, 'SIGKILL');
  assert.notEqual((await cluster.endsCleanly(id)).exitStatus, 0);
  await terminal.expect(/Cannot go on with job ".*": the launcher of the job has gone/);
  assert.equal(await terminal.exit, 1);
});

test('the end of QEMU while the VM is kept is told, with the phase', async () => {
  const id = await keptJob(['true']);
  const [qemu] = await processesOf(cluster.user, /^qemu-system/);
  process.kill(qemu.pid, 'SIGKILL');
  const { exitStatus, stderr } = await cluster.endsCleanly(id);
  assert.equal(exitStatus, 247);
  assert.match(stderr.toString(), /vtorque: Cannot go on: guest "vnode1-1" ended by SIGKILL[\s\S]*phase: tear-down/);
});

test('a terminal that hangs up does not end the keeping of a VM, leaving the next one does', async () => {
  const id = await keptJob(['true']);
  await using terminal = await console(id);
  await terminal.expect(/\$ /);
  terminal.hangUp();
  await terminal.exit;
  await using next = await console(id);
  await next.expect(/\$ /);
  next.type('exit 6\r');
  assert.equal(await next.exit, 6);
  assert.equal((await cluster.endsCleanly(id)).exitStatus, 0);
});

test('nobody but the owner gets in, and a stranger that knocks does no harm', {
  skip: process.getuid?.() !== 0 && 'needs root',
}, async () => {
  const id = await keptJob(['true']);
  const socket = (await record(id)).findLast((entry) => entry.console !== undefined)?.console?.socket;
  assert.ok(socket);
  const stranger = `const s = require('net').connect('\\0${socket}'); s.write('{"version":1,"terminalType":"x","wish":"end","rank":0}\\n');
    s.on('data', (d) => console.log('got ' + d)).on('close', () => console.log('sent away')).on('error', () => {});`;
  const { stdout } = await cluster.run(
    ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', stranger],
    {
      as: { ...cluster.user, become: [], home: '/' },
      cwd: '/',
    },
  );
  assert.equal(stdout, 'sent away\n');
  assert.ok(!(await record(id)).some(({ event }) => event === 'end'));
  await cluster.run(['vtorque', 'console', '--end', id]);
  assert.equal((await cluster.endsCleanly(id)).exitStatus, 0);
});

test('a console on another node is refused with the way there', async () => {
  const state = join(cluster.user.home, '.local/state/vtorque');
  const [start, fact] = ['start', 'fact'].map((event) => ({ at: 1, job: '77.head', event }));
  const place = { host: 'node9', socket: 'vtorque-console-0' };
  const lines = [start, { ...fact, console: place }].map((entry) => `${JSON.stringify(entry)}\n`);
  await mkdir(join(state, 'jobs'), { recursive: true });
  await writeFile(timelinePath(state, '77.head'), lines.join(''));
  const { stderr, code } = await cluster.run(['vtorque', 'console', '--end', '77']);
  assert.match(stderr, /^vtorque: Cannot open a console of job "77.head": its VM is on "node9", and this is ".+"\n/);
  assert.match(stderr, /hint: Run this there: vtorque console --end 77\.head; .* ssh -t node9 /);
  assert.equal(code, 1);
});

test('a console of a job that is none is refused', async () => {
  const { stderr, code } = await cluster.run(['vtorque', 'console', '--end', '99999']);
  assert.match(stderr, /^vtorque: Cannot open a console of job "99999": you have no job of that id/);
  assert.equal(code, 1);
});
