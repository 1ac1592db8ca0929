// A Slurm whose programs are at a place of the site's own, and on no usual PATH: what root runs on nodes finds its commands all the same.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Lease } from '../src/node/leases/lease.ts';
import { LeaseStore } from '../src/node/leases/store.ts';
import { leasesDirectory } from '../src/site/index.ts';
import { publicRoot } from '../src/site/public-root.ts';
import { until } from './support/embedded.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { startSlurm, type TestSlurm, whyNoSlurm } from './support/slurm.ts';
import { type SlurmUser, slurmUser } from './support/slurm-user.ts';

const skip = await whyNoSlurm();
const PROGRAMS = [
  ['/usr/sbin/slurmd', 'sbin/slurmd'],
  ['/usr/bin/scontrol', 'bin/scontrol'],
  ['/usr/bin/squeue', 'bin/squeue'],
] as const;
/** Where its daemon runs, there are no commands of Slurm at the usual place. */
const HIDDEN = ['scontrol', 'squeue', 'sinfo', 'sbatch'].map((name) => `mount --bind /dev/null /usr/bin/${name}`);

describe('the hooks of a Slurm that is elsewhere', { skip }, () => {
  let slurm: TestSlurm;
  let as: SlurmUser;
  let clean: Residue;
  let store: LeaseStore;
  let prefix: string;
  const directory = leasesDirectory({}, 0);

  before(async () => {
    clean = await lookForResidue();
    prefix = await mkdtemp(join(tmpdir(), 'vtt-prefix-'));
    await chmod(prefix, 0o755);
    for (const name of ['bin', 'sbin']) await mkdir(join(prefix, name), { mode: 0o755 });
    for (const [from, to] of PROGRAMS) await copyFile(await realpath(from), join(prefix, to));
    const hooks = join(await publicRoot(), 'libexec/slurm');
    slurm = await startSlurm({
      nodes: 1,
      slurmd: ['unshare', '-m', 'sh', '-c', `${HIDDEN.join(' && ')} && exec "$@"`, 'sh', join(prefix, 'sbin/slurmd')],
      config: [
        ...[`Prolog=${hooks}/prolog`, `Epilog=${hooks}/epilog`, 'PrologFlags=Alloc,DeferBatch'],
        // At the start of the daemon alone, as far as this test lasts.
        ...[`HealthCheckProgram=${hooks}/healthcheck`, 'HealthCheckInterval=3600', 'HealthCheckNodeState=ANY'],
      ],
    });
    as = await slurmUser(slurm);
    store = await LeaseStore.open(directory, 0);
  });

  after(async () => {
    await slurm[Symbol.asyncDispose]();
    for (const { key, owner } of await store.list()) if (owner.name === as.user.name) await store.forget(key);
    await as[Symbol.asyncDispose]();
    await rm(prefix, { recursive: true });
    await expectNoResidue(clean);
  });

  const keyOf = (jobId: string): Lease['key'] => ({
    ...{ engine: 'slurm', cluster: 'vtt', jobId, attempt: undefined, node: 'n1' },
  });

  /** The lease of a job that Slurm does not know. */
  async function leftBehind(jobId: string): Promise<void> {
    const { name, uid, gid } = as.user;
    await store.write({ key: keyOf(jobId), state: 'prepared', owner: { name, uid, gid }, at: Date.now() - 3_600_000 });
  }

  const released = (jobId: string): Promise<void> =>
    until(async () => (await store.read(keyOf(jobId)))?.state === 'released', `job ${jobId} is released`);

  test('its Prolog has the reaper ask Slurm which jobs live', async () => {
    await leftBehind('999998');
    // A reaper that ran a moment ago is no reason to wait.
    await rm(join(directory, '.reap'), { force: true });
    const id = await as.submit([], 'true\n');
    assert.equal((await as.ended(id)).exitStatus, 0);
    await released('999998');
  });

  test('so does the health check when the daemon starts', async () => {
    await leftBehind('999999');
    const daemon = slurm.daemon('n1');
    const ended = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    await ended;
    await slurm.restart('n1');
    await released('999999');
    await slurm.idle();
  });
});
