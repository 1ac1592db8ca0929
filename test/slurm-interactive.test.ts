// Interactive jobs in VMs on a real Slurm, at real terminals.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { processesOf } from './support/processes.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { answer, followsTheWindow, interruptsForeground } from './support/shell-at-terminal.ts';
import { startSlurm, type TestSlurm, whyNoSlurm } from './support/slurm.ts';
import { type SlurmUser, slurmUser } from './support/slurm-user.ts';
import type { AtTerminal } from './support/terminal.ts';

const skip = await whyNoSlurm();
const vm = ['-vm', 'img=host,vcpus=1,ram=512M'];
const large = ['-vm', 'img=host,vcpus=2,ram=512M'];

describe('vsub -I on a real Slurm', { skip }, () => {
  let slurm: TestSlurm;
  let as: SlurmUser;
  let clean: Residue;
  /** With the batch system itself running, but no job. */
  let idle: Residue;

  before(async () => {
    clean = await lookForResidue();
    slurm = await startSlurm({ nodes: 2 });
    as = await slurmUser(slurm);
    idle = await lookForResidue();
  });

  after(async () => {
    await slurm[Symbol.asyncDispose]();
    await as[Symbol.asyncDispose]();
    await expectNoResidue(clean);
  });

  /** The id of a job whose shell runs. */
  async function atPrompt(terminal: AtTerminal): Promise<string> {
    const [, id = ''] = await terminal.expect(/qsub: waiting for job (\d+) to start\r\n/);
    await terminal.expect(new RegExp(`qsub: job ${id} ready\r\n\r\n`));
    await terminal.expect(/vtorque: starting the virtual machine\r\n/);
    await terminal.expect(/\$ /);
    return id;
  }

  /** No job is left, neither in the queue nor on a node. */
  async function allOver(): Promise<void> {
    await expectNoResidue(idle, 30_000);
    let live = await as.engine.liveJobs();
    for (const deadline = Date.now() + 30_000; Date.now() < deadline; await delay(100)) {
      live = await as.engine.liveJobs();
      if (live.known && live.ids.size === 0) return;
    }
    assert.fail(`there are jobs yet: ${JSON.stringify(live)}`);
  }

  test('it gives a shell at a terminal of the guest, and ends with its exit code', async () => {
    await using terminal = await as.atTerminal(['vsub', '-I', ...large, '-l', 'nodes=1:ppn=2', '-v', 'A=x y']);
    const id = await atPrompt(terminal);
    assert.equal(
      await answer(terminal, 'hostname; id -un; pwd; echo $0 $TERM $PBS_ENVIRONMENT $PBS_JOBID $PBS_NP $A'),
      `vn1-1 ${as.user.name} ${as.user.home} -bash vt100 PBS_INTERACTIVE ${id} 2 x y`,
    );
    await followsTheWindow(terminal);
    await interruptsForeground(terminal);
    terminal.type('exit 7\r');
    await terminal.expect(new RegExp(`logout\r\n\r\nqsub: job ${id} completed\r\n$`));
    assert.equal(await terminal.exit, 7);
    assert.equal((await as.ended(id)).exitStatus, 7);
    await allOver();
  });

  test('-x runs a command in the guest, also without a terminal, over several nodes, and much output arrives whole', async () => {
    const command = [
      'cat',
      '$PBS_NODEFILE;',
      'echo',
      '"a  \'b\'"',
      '$PBS_NUM_PPN;',
      'seq',
      '1',
      '20000;',
      'cat;',
      'exit',
      '3',
    ];
    const options = ['-l', 'nodes=2:ppn=2', ...large, '-N', 'named'];
    const { stdout, stderr, code } = await as.vsub(['-I', ...options, '-x', '--', ...command], 'typed\n');
    const numbers = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\r\n`).join('');
    const expected = `\r\nvn1-1\r\nvn1-1\r\nvn2-1\r\nvn2-1\r\na  'b' 2\r\n${numbers}typed\r\n`;
    assert.ok(stdout.includes(expected), `${stdout.slice(0, 400)} ... ${stdout.slice(-200)}`);
    assert.deepEqual([stderr, code], ['', 3]);
    await allOver();
  });

  test('kill -9 of vsub ends the job, leaves nothing, and sets the terminal back', async () => {
    await using terminal = await as.atTerminal([
      'bash',
      '-c',
      `stty -g; vsub -I ${vm.join(' ')}; sleep 1; stty -g; echo back`,
    ]);
    const [, before] = await terminal.expect(/^([0-9a-f:]+)\r\n/);
    await atPrompt(terminal);
    const [client] = await processesOf(as.user, /^start vsub$/);
    process.kill(client.pid, 'SIGKILL');
    const [, after] = await terminal.expect(/([0-9a-f:]+)\r\nback\r\n/);
    assert.equal(after, before);
    await terminal.exit;
    await allOver();
  });

  test('kill -9 of vsub takes back a job that still waits', async () => {
    await using running = await as.atTerminal(['vsub', '-I', ...vm, '-l', 'nodes=2:ppn=4']);
    await running.expect(/qsub: job \d+ ready\r\n/);
    await using waiting = await as.atTerminal(['vsub', '-I', ...vm]);
    const [, id = ''] = await waiting.expect(/qsub: waiting for job (\S+) to start\r\n/);
    process.kill(waiting.pid, 'SIGKILL');
    assert.notEqual((await as.ended(id)).exitStatus, 0);
    running.type('\x03');
    await running.exit;
    await allOver();
  });

  test('kill -9 of salloc ends the job', async () => {
    await using terminal = await as.atTerminal(['vsub', '-I', ...vm]);
    await atPrompt(terminal);
    const [salloc] = await processesOf(as.user, /^salloc$/);
    process.kill(salloc.pid, 'SIGKILL');
    assert.notEqual(await terminal.exit, 0);
    await allOver();
  });

  test('the end of QEMU is told at the terminal, with its exit code', async () => {
    await using terminal = await as.atTerminal(['vsub', '-I', ...vm]);
    await atPrompt(terminal);
    const [qemu] = await processesOf(as.user, /^qemu-system/);
    process.kill(qemu.pid, 'SIGKILL');
    await terminal.expect(/vtorque: Cannot go on: guest "vn1-1" ended by SIGKILL[\s\S]*\r\n {2}phase: script\r\n/);
    assert.equal(await terminal.exit, 246);
    await allOver();
  });

  test('what Slurm refuses is refused in its words, with its exit code', async () => {
    const { stdout, stderr, code } = await as.vsub(['-I', ...vm, '-l', 'nodes=nosuch', '-x', 'true']);
    assert.deepEqual([stdout, code], ['', 1]);
    assert.match(stderr, /^salloc: error: Job submit\/allocate failed: Invalid node name specified\n$/);
    const again = await as.vsub(['-I', '-r', 'y', ...vm, '-x', 'true']);
    assert.match(again.stderr, /^vsub: Cannot use -r y with -I: Slurm has nothing that means the same\n/);
    assert.equal(again.code, 1);
  });

  test('Ctrl-C while the guest boots gives the job up and leaves nothing', async () => {
    await using terminal = await as.atTerminal(['vsub', '-I', ...vm]);
    await terminal.expect(/vtorque: starting the virtual machine\r\n/);
    await processesOf(as.user, /^qemu-system/);
    terminal.type('\x03');
    assert.equal(await terminal.exit, 130);
    await allOver();
  });

  test('a terminal that hangs up ends the job and leaves nothing', async () => {
    await using terminal = await as.atTerminal(['vsub', '-I', ...vm]);
    await atPrompt(terminal);
    terminal.hangUp();
    await terminal.exit;
    await allOver();
  });

  test('scancel ends the session, which says so', async () => {
    await using terminal = await as.atTerminal(['vsub', '-I', ...vm]);
    const id = await atPrompt(terminal);
    await as.engine.cancel([id]);
    await terminal.expect(/salloc: Job allocation \d+ has been revoked/);
    assert.notEqual(await terminal.exit, 0);
    await allOver();
  });
});
