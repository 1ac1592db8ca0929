import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../base/index.ts';
import { hookExitCode, readHookCall } from './hooks.ts';

const refused = { code: 'E_HOOK_CALL' };

/** As Torque 6.1 has called them. */
const RESOURCES = 'nodes=3:ppn=2,walltime=00:01:00,neednodes=3:ppn=2';
const SCRIPT = '/var/spool/torque/mom_priv/jobs/2.tqhead.SC';
const PROLOGUE = ['2.tqhead', 'tqa', 'tqa', 'hooky', RESOURCES, 'batch', '', SCRIPT];
const USED = 'cput=00:00:00,vmem=0kb,walltime=00:00:00,mem=0kb,energy_used=0';
const EPILOGUE = ['2.tqhead', 'tqa', 'tqa', 'hooky', '22', RESOURCES, USED, 'batch', '', '7', SCRIPT];

test("Torque's prologues prepare, its epilogues release, and each knows whether it is on the first node", async () => {
  const call = { cluster: '', node: 'n1', jobId: '2.tqhead', owner: 'tqa', attempt: undefined };
  for (const [hook, argv, event, motherSuperior] of [
    ['prologue', PROLOGUE, 'prepare', true],
    ['prologue.vm', PROLOGUE, 'prepare', true],
    ['prologue.parallel', PROLOGUE, 'prepare', false],
    ['epilogue', EPILOGUE, 'release', true],
    ['epilogue.parallel', EPILOGUE.with(4, '0').with(9, '0'), 'release', false],
  ] as const) {
    assert.deepEqual(await readHookCall('torque', hook, argv, {}, 'n1'), { ...call, event, motherSuperior }, hook);
  }
  const element = await readHookCall('torque', 'prologue', PROLOGUE.with(0, '121[1].tqhead'), {}, 'n1');
  assert.equal(element?.jobId, '121[1].tqhead');
});

test('hooks of Torque that come too early or are not root’s do nothing or are refused', async () => {
  assert.equal(await readHookCall('torque', 'presetup_prologue', [...PROLOGUE, 'n2,n1'], {}, 'n1'), undefined);
  assert.equal(await readHookCall('torque', 'epilogue.precancel', EPILOGUE, {}, 'n1'), undefined);
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
  assert.equal((await readHookCall('embedded', 'prologue', PROLOGUE, {}, 'n1'))?.attempt, undefined);
});

test('OpenPBS prepares where all nodes wait for it, and releases at the end or after a failed start', async () => {
  const argv = ['89[3].pbshead', 'pba', '2', 'sister'];
  const call = { cluster: '', node: 'n1', jobId: '89[3].pbshead', owner: 'pba', attempt: '2', motherSuperior: false };
  assert.deepEqual(await readHookCall('openpbs', 'execjob_begin', argv, {}, 'n1'), { ...call, event: 'prepare' });
  for (const hook of ['execjob_end', 'execjob_abort']) {
    assert.deepEqual(await readHookCall('openpbs', hook, argv, {}, 'n1'), { ...call, event: 'release' });
  }
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
  const call = { cluster: 'c', jobId: '12', node: 'n2', attempt: undefined, owner: 'u', motherSuperior: false };
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

test('a hook ends with 0 whatever a user has done; a script of the site has its say', () => {
  assert.equal(hookExitCode({ kind: 'done' }), 0);
  assert.equal(hookExitCode({ kind: 'failed', why: 'no such image' }), 0);
  assert.equal(hookExitCode({ kind: 'site', code: 99 }), 99);
});
