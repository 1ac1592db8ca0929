import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PlannedVm } from '../../../plan/index.ts';
import { installRoot } from '../../../site/index.ts';
import type { GuestIdentity } from '../guest-setup.ts';
import { guestEnvironment, systemEnvironment } from './guest-environment.ts';
import { jobVariables, systemVariables } from './job-variables.ts';
import { environmentReference } from './reference.ts';
import { type VmFacts, vmVariables } from './vm-variables.ts';

const job = { PBS_JOBID: '1.head', HOME: '/home/u', A: 'x y', TMPDIR: '/scratch/1', PATH: '/opt/bin', HOSTNAME: 'n1' };

test('jobVariables() keeps what the batch system set and drops the rest', () => {
  const env = jobVariables(job, { names: [], all: false });
  assert.deepEqual(Object.keys(env).sort(), ['HOME', 'PATH', 'PBS_JOBID', 'TMPDIR']);
});

test('jobVariables() keeps the variables of -v', () => {
  assert.equal(jobVariables(job, { names: ['A'], all: false }).A, 'x y');
});

test('jobVariables() keeps all with -V but what is true of the node only', () => {
  const env = jobVariables(job, { names: [], all: true });
  assert.deepEqual([env.A, env.PATH, env.TMPDIR, env.HOSTNAME], ['x y', '/opt/bin', '/tmp', undefined]);
});

test('jobVariables() lets env= win over -v', () => {
  assert.equal(jobVariables(job, { names: ['A'], all: false }, { A: 'own' }).A, 'own');
});

test('jobVariables() keeps the secret of the job and the port of the node from the guest', () => {
  const secret = { ...job, PBS_JOBCOOKIE: 'C0FFEE', PBS_MOMPORT: '15003' };
  for (const all of [true, false]) {
    const env = jobVariables(secret, { names: ['PBS_JOBCOOKIE'], all });
    assert.deepEqual([env.PBS_JOBCOOKIE, env.PBS_MOMPORT], [undefined, undefined]);
  }
});

test('systemVariables() has nothing that the user has chosen', () => {
  const variables = jobVariables({ ...job, SLURM_JOB_ID: '7' }, { names: ['A'], all: true }, { LD_PRELOAD: '/x' });
  assert.deepEqual(systemVariables(variables), { PBS_JOBID: '1.head', SLURM_JOB_ID: '7' });
});

const vm = (name: string, rank: number, node: string, slots: number): PlannedVm =>
  ({ name, rank, node, vcpus: slots, ram: 2 ** 28, slots }) as PlannedVm;
const vms = [vm('vn1-1', 0, 'n1', 2), vm('vn1-2', 1, 'n1', 2), vm('vn2-1', 2, 'n2', 3)];

function facts(more: Partial<VmFacts> = {}): VmFacts {
  const of = vms[1] as PlannedVm;
  return { vms, vm: of, host: 'n1.site', nodeFile: '/aux/1', image: 'mine', distro: 'debian', job: {}, ...more };
}

test('vmVariables() tells each VM of several nodes the truth about all and about itself', () => {
  const { HOSTNAME, DISTRO, ...others } = vmVariables(facts());
  assert.deepEqual([HOSTNAME, DISTRO], ['vn1-2', 'debian']);
  assert.deepEqual(others, {
    ...{ PBS_NODEFILE: '/aux/1', PBS_NP: '7', PBS_NUM_NODES: '3', PBS_NUM_PPN: '2', PBS_VMS_PN: '2' },
    ...{ PBS_NODENUM: '1', PBS_VNODENUM: '2', VTORQUE_RANK: '1', VTORQUE_VMS: '3', VTORQUE_VM: 'vn1-2' },
    ...{ VTORQUE_NODE: 'n1.site', VTORQUE_IMAGE: 'mine' },
  });
  const last = vmVariables(facts({ vm: vms[2] as PlannedVm, distro: undefined }));
  assert.deepEqual([last.PBS_VNODENUM, last.PBS_VMS_PN, last.PBS_NUM_PPN, last.DISTRO], ['4', '1', '3', undefined]);
});

test('vmVariables() calls the element of an array PBS_ARRAYID, whatever the batch system calls it', () => {
  assert.equal(vmVariables(facts({ job: { PBS_ARRAY_INDEX: '4' } })).PBS_ARRAYID, '4');
  assert.equal(vmVariables(facts({ job: { PBS_ARRAYID: '5' } })).PBS_ARRAYID, '5');
});

test('guestEnvironment() has as many threads as the VM has CPUs where OpenPBS means all of its own, else what was asked for', () => {
  const threads = (variables: Record<string, string>) => {
    const identity = { vms, vm: vms[1], variables, guest: { name: 'mine' }, context: { key: { node: 'n1' } } };
    const env = guestEnvironment(identity as unknown as GuestIdentity, { nodeFile: '/aux/1' });
    return [env.NCPUS, env.OMP_NUM_THREADS];
  };
  const ofJob = (env: Record<string, string>) => jobVariables(env, { names: [], all: false });
  assert.deepEqual(threads(ofJob({ NCPUS: '4', OMP_NUM_THREADS: '4' })), ['2', '2']);
  assert.deepEqual(threads(ofJob({ NCPUS: '4', OMP_NUM_THREADS: '1' })), ['2', '1']);
  assert.deepEqual(threads({ OMP_NUM_THREADS: '3,2' }), [undefined, '3,2']);
  assert.deepEqual(threads({}), [undefined, undefined]);
});

test('guestEnvironment() lets the job change what is usual for MPI, and nothing that is true of the VM', () => {
  const variables = { HYDRA_LAUNCHER: 'fork', PBS_NODEFILE: '/elsewhere', LD_PRELOAD: '/x', PBS_JOBID: '1.head' };
  const identity = {
    ...{ vms, vm: vms[0], variables, distro: 'debian', guest: { name: 'mine' } },
    context: { key: { node: 'n1' } },
  } as unknown as GuestIdentity;
  const env = guestEnvironment(identity, { nodeFile: '/aux/1' });
  assert.deepEqual([env.HYDRA_LAUNCHER, env.HYDRA_HOST_FILE, env.PBS_NODEFILE], ['fork', '/aux/1', '/aux/1']);
  const { LD_PRELOAD, HYDRA_LAUNCHER, PBS_JOBID, VTORQUE_VM } = systemEnvironment(identity, { nodeFile: '/aux/1' });
  assert.deepEqual([LD_PRELOAD, HYDRA_LAUNCHER, PBS_JOBID, VTORQUE_VM], [undefined, undefined, '1.head', 'vn1-1']);
});

test('the reference page is that of the tables', () => {
  const page = readFileSync(join(installRoot, 'docs/environment.md'), 'utf8');
  assert.ok(
    page.endsWith(environmentReference()),
    'docs/environment.md is stale: run scripts/node scripts/environment-page.ts',
  );
});
