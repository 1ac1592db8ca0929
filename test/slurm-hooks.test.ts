// Our Prolog and Epilog in a real Slurm: leases on each node of a job, and nodes that stay up.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { LeaseStore } from '../src/node/leases/store.ts';
import { leasesDirectory } from '../src/site/index.ts';
import { publicRoot } from '../src/site/public-root.ts';
import { type CommandResult, execute } from './support/cluster.ts';
import { until } from './support/embedded.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { startSlurm, type TestSlurm, whyNoSlurm } from './support/slurm.ts';
import { aUser, type TestUser } from './support/users.ts';

const skip = await whyNoSlurm();

describe('hooks on a real Slurm', { skip }, () => {
  let slurm: TestSlurm;
  let user: TestUser;
  let root: string;
  let clean: Residue;
  const store = (): Promise<LeaseStore> => LeaseStore.open(leasesDirectory({}, 0), 0);
  const run = (command: readonly string[], input?: string, as: readonly string[] = []): Promise<CommandResult> =>
    execute([...as, 'env', `SLURM_CONF=${slurm.env.SLURM_CONF}`, ...command], { cwd: user.home, input });

  before(async () => {
    clean = await lookForResidue();
    root = await publicRoot();
    const scripts = join(root, 'libexec/slurm');
    slurm = await startSlurm({
      nodes: 2,
      config: [
        ...[`Prolog=${scripts}/prolog`, `Epilog=${scripts}/epilog`, 'PrologFlags=Alloc,DeferBatch'],
        ...[`HealthCheckProgram=${scripts}/healthcheck`, 'HealthCheckInterval=300'],
      ],
    });
    user = aUser();
  });

  after(async () => {
    // What this Slurm has left in the machine's directory goes with it.
    const leases = await store();
    for (const { key } of await leases.list()) if (key.cluster === 'vtt') await leases.forget(key);
    await slurm[Symbol.asyncDispose]();
    user[Symbol.dispose]();
    await expectNoResidue(clean);
  });

  test('a job has a lease on each node while it runs and a tombstone afterwards, and no node is drained', async () => {
    const script = '#!/bin/sh\ntouch up\nwhile [ ! -e go ]; do sleep 0.1; done\n';
    const { stdout, stderr, code } = await run(['sbatch', '--parsable', '-N', '2'], script, user.become);
    assert.equal(code, 0, stderr);
    const id = stdout.trim();
    const leases = async (): Promise<string[]> =>
      (await (await store()).list())
        .filter(({ key }) => key.cluster === 'vtt' && key.jobId === id)
        .map(({ key, state }) => `${key.node} ${state}`);
    const are = (state: string) => async () => (await leases()).join() === `n1 ${state},n2 ${state}`;
    await until(async () => (await run(['ls', 'up'])).code === 0, 'the script runs');
    assert.ok(await are('prepared')(), (await leases()).join());
    await run(['touch', 'go']);
    await until(are('released'), 'both nodes have released the job');
    const states = (await run(['sinfo', '-h', '-N', '-o', '%T'])).stdout.trim().split('\n');
    assert.ok(
      states.every((state) => !/drain|down/.test(state)),
      states.join(),
    );
  });

  test('the doctor finds them', async () => {
    const line = [join(root, 'bin/vtorque'), 'doctor', '--role', 'node', '--json'];
    const { findings } = JSON.parse((await run(line)).stdout) as {
      findings: { check: string; severity: string; text: string }[];
    };
    const hooks = findings.filter(({ check }) => check === 'hooks');
    assert.deepEqual(hooks, [{ check: 'hooks', severity: 'ok', text: `Prolog and Epilog are those of "${root}"` }]);
  });
});
