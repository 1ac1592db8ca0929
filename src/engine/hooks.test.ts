import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../base/index.ts';
import { nodesOfHook, readHookCall } from './hooks.ts';

const refused = { code: 'E_HOOK_CALL' };

/** As Torque 6.1 has called them. */
const RESOURCES = 'nodes=3:ppn=2,walltime=00:01:00,neednodes=3:ppn=2';
const SCRIPT = '/var/spool/torque/mom_priv/jobs/2.tqhead.SC';
const PROLOGUE = ['2.tqhead', 'tqa', 'tqa', 'hooky', RESOURCES, 'batch', '', SCRIPT];
const USED = 'cput=00:00:00,vmem=0kb,walltime=00:00:00,mem=0kb,energy_used=0';
const EPILOGUE = ['2.tqhead', 'tqa', 'tqa', 'hooky', '22', RESOURCES, USED, 'batch', '', '7', SCRIPT];

test("Torque's prologues prepare, its epilogues release, and each knows whether it is on the first node", async () => {
  const call = { cluster: '', node: 'n1', jobId: '2.tqhead', owner: 'tqa', attempt: undefined, nodes: undefined };
  for (const [hook, argv, event, motherSuperior] of [
    ['prologue', PROLOGUE, 'prepare', true],
    ['prologue.vm', PROLOGUE, 'prepare', true],
    ['prologue.parallel', PROLOGUE, 'prepare', false],
    ['epilogue', EPILOGUE, 'release', true],
    ['epilogue.parallel', EPILOGUE.with(4, '0').with(9, '0'), 'release', false],
    ['epilogue.precancel', EPILOGUE, 'cancel', true],
  ] as const) {
    assert.deepEqual(await readHookCall('torque', hook, argv, {}, 'n1'), { ...call, event, motherSuperior }, hook);
  }
  const element = await readHookCall('torque', 'prologue', PROLOGUE.with(0, '121[1].tqhead'), {}, 'n1');
  assert.equal(element?.jobId, '121[1].tqhead');
});

test('of Torque a sister knows the nodes of small jobs, and the first node has the node file of any', async () => {
  const told = async (hook: string, PBS_NUM_NODES: string, PBS_RESOURCE_NODES: string) => {
    const env = { PBS_NUM_NODES, PBS_RESOURCE_NODES, PBS_MSHOST: 'n1' };
    return (await readHookCall('torque', hook, PROLOGUE, env, 'n2'))?.nodes;
  };
  for (const asked of ['2', '2:ppn=2', '1:ppn=2+1:big:ppn=4', '2:ppn=2#shared']) {
    assert.deepEqual(await told('prologue.parallel', '2', asked), ['n1', 'n2'], asked);
  }
  assert.equal(await told('prologue.parallel', '3', '3'), undefined);
  // Torque's hooks count numbers alone: a node that was asked for by its name is missing in theirs.
  for (const hook of ['prologue', 'prologue.parallel']) {
    assert.equal(await told(hook, '1', '1:ppn=2+n2:ppn=2'), undefined, hook);
    assert.equal(await told(hook, '2', '2+n3:ppn=2'), undefined, hook);
    assert.equal(await told(hook, '2', '2n+n3'), undefined, hook);
    assert.equal(await told(hook, '0', 'n1+n2'), undefined, hook);
  }
  const call = await readHookCall('torque', 'prologue', PROLOGUE, { PBS_NUM_NODES: '3' }, 'n2');
  const directory = mkdtempSync(join(tmpdir(), 'vtt-nodes-'));
  try {
    const PBS_NODEFILE = join(directory, 'nodes');
    writeFileSync(PBS_NODEFILE, 'n2\nn2\nn1\nn3\n');
    assert.deepEqual(call && (await nodesOfHook('torque', call, { PBS_NODEFILE })), ['n2', 'n1', 'n3']);
    const qstat =
      "echo '<Data><Job><Job_Id>2.tqhead</Job_Id><job_state>R</job_state><exec_host>n1/0+n2/0</exec_host></Job></Data>'";
    for (const [name, text] of [
      ['qsub', ''],
      ['qstat', qstat],
    ] as const) {
      writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    }
    assert.deepEqual(call && (await nodesOfHook('torque', call, { PATH: directory })), ['n1', 'n2']);
    assert.equal(call && (await nodesOfHook('torque', call, { PATH: '/nonexistent' })), undefined);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('hooks of Torque that come too early or are not root’s do nothing or are refused', async () => {
  assert.equal(await readHookCall('torque', 'presetup_prologue', [...PROLOGUE, 'n2,n1'], {}, 'n1'), undefined);
  await assert.rejects(readHookCall('torque', 'job_starter', ['/bin/bash'], {}, 'n1'), refused);
  await assert.rejects(readHookCall('torque', 'prologue', PROLOGUE.slice(1), {}, 'n1'), refused);
});

test('the embedded batch system tells which run of the job it is, and on which of its nodes', async () => {
  const call = await readHookCall(
    'embedded',
    'prologue',
    PROLOGUE,
    { VTORQUE_ATTEMPT: '3', VTORQUE_LOCAL: '/l', VTORQUE_HOSTS: 'node1 node2', PBS_NODENUM: '1' },
    'n1',
  );
  assert.deepEqual([call?.attempt, call?.node, call?.cluster], ['3', 'node2', '/l']);
  assert.deepEqual(call?.nodes, ['node1', 'node2']);
  assert.equal((await readHookCall('embedded', 'prologue', PROLOGUE, {}, 'n1'))?.attempt, undefined);
});

test('OpenPBS prepares where all nodes wait for it, and releases at the end or after a failed start', async () => {
  const argv = ['89[3].pbshead', 'pba', '2', 'sister'];
  const call = {
    cluster: '',
    node: 'n1',
    jobId: '89[3].pbshead',
    owner: 'pba',
    attempt: '2',
    motherSuperior: false,
    nodes: undefined,
  };
  assert.deepEqual(await readHookCall('openpbs', 'execjob_begin', argv, {}, 'n1'), { ...call, event: 'prepare' });
  for (const hook of ['execjob_end', 'execjob_abort']) {
    assert.deepEqual(await readHookCall('openpbs', hook, argv, {}, 'n1'), { ...call, event: 'release' });
  }
  const told = async (places: string) =>
    (await readHookCall('openpbs', 'execjob_begin', [...argv, places], {}, 'n1'))?.nodes;
  assert.deepEqual(await told('n1:15002/0*2+n2:15002/0+n1:15002/1'), ['n1', 'n2']);
  assert.deepEqual(await told('n1+'), undefined);
  for (const wrong of [argv.slice(0, 3), argv.with(2, 'x'), argv.with(3, 'first'), argv.with(0, '../89')]) {
    await assert.rejects(readHookCall('openpbs', 'execjob_begin', wrong, {}, 'n1'), refused);
  }
  await assert.rejects(readHookCall('openpbs', 'execjob_launch', argv, {}, 'n1'), refused);
});

test('Slurm tells its hooks everything in their environment', async () => {
  const env = {
    ...{ SLURM_JOB_ID: '12', SLURM_JOB_USER: 'u', SLURMD_NODENAME: 'n2', SLURM_NODELIST: 'n[1-2]' },
    ...{ SLURM_CLUSTER_NAME: 'c', SLURM_JOB_RESTART_COUNT: '1' },
  };
  const nodes = ['n1', 'n2'];
  const call = { cluster: 'c', jobId: '12', node: 'n2', attempt: undefined, owner: 'u', motherSuperior: false, nodes };
  assert.deepEqual(await readHookCall('slurm', 'prolog', [], env, 'host'), { ...call, event: 'prepare' });
  assert.deepEqual(await readHookCall('slurm', 'epilog', [], env, 'host'), { ...call, event: 'release' });
  await assert.rejects(readHookCall('slurm', 'prolog', [], { ...env, SLURM_JOB_ID: '../1' }, 'host'), refused);
  await assert.rejects(readHookCall('slurm', 'task_prolog', [], env, 'host'), refused);
});

test('nothing but a job id and the name of a user comes out of a hook', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), async (id, user) => {
      try {
        const call = await readHookCall('torque', 'prologue', PROLOGUE.with(0, id).with(1, user), {}, 'n1');
        assert.match(call?.jobId ?? '', /^[\w[\].:-]+$/);
        assert.doesNotMatch(call?.owner ?? '', /[/\s:\0]|^-|^$/);
      } catch (error) {
        assert.ok(error instanceof VtorqueError && error.code === 'E_HOOK_CALL', String(error));
      }
    }),
  );
});
