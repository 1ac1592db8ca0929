// Whatever is ended on a Slurm, at whatever moment: the job ends with the truth, and nothing of it is left on any node.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { publicRoot } from '../src/site/public-root.ts';
import { execute } from './support/cluster.ts';
import { until } from './support/embedded.ts';
import { processesOf } from './support/processes.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { startSlurm, type TestSlurm, whyNoSlurm } from './support/slurm.ts';
import { jobIn, killedIn, launcher, one, phases, two } from './support/slurm-phases.ts';
import { type SlurmUser, slurmUser } from './support/slurm-user.ts';

const skip = await whyNoSlurm();
const residueMs = 30_000;

describe('faults on a real Slurm', { skip }, () => {
  let slurm: TestSlurm;
  let as: SlurmUser;
  let clean: Residue;

  before(async () => {
    clean = await lookForResidue();
    slurm = await startSlurm({ nodes: 3, config: ['SlurmdTimeout=5'] });
    as = await slurmUser(slurm);
  });

  after(async () => {
    await slurm[Symbol.asyncDispose]();
    await as[Symbol.asyncDispose]();
    await expectNoResidue(clean);
  });

  /** A job whose script runs, with a guest on each of two nodes. */
  async function runningJob(name: string, args: readonly string[] = []): Promise<string> {
    const id = await as.submit([...two, ...args], `#!/bin/sh\necho up >${name}.up\nsleep 600\n`, name);
    await as.appears(`${name}.up`);
    return id;
  }

  async function end(isIt: (args: readonly string[], environment: readonly string[]) => boolean): Promise<void> {
    for (const { pid, args } of await processesOf(as.user, /^start launch$/)) {
      const environment = (await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')).split('\0');
      if (!isIt(args, environment)) continue;
      process.kill(pid, 'SIGKILL');
      return;
    }
    assert.fail('there is no such process of the job');
  }

  for (const phase of phases) {
    test(`kill -9 of the launcher while ${phase} fails the job, and nothing stays on any node`, async () => {
      const { id } = await killedIn(as, phase, `launcher-${phase.replaceAll(' ', '-')}`, two, launcher);
      assert.equal((await as.ended(id)).exitStatus, 256 + 9);
      // Without hooks the reaper alone removes the directory of sockets to which QEMU has not connected yet.
      if (phase === 'the guest boots') await untilReaped();
      await expectNoResidue(clean, residueMs);
    });
  }

  /** What was made a moment before it asks, the reaper leaves for the next time. */
  async function untilReaped(): Promise<void> {
    const reap = [join(await publicRoot(), 'bin/vtorque'), 'reap', '--engine', 'slurm'];
    await until(
      async () => {
        const { code, stderr } = await execute(reap, { env: { ...process.env, ...slurm.env } });
        assert.equal(code, 0, stderr);
        return [...(await lookForResidue())].every((line) => clean.has(line));
      },
      'the reaper has removed what was left',
      residueMs,
    );
  }

  test('kill -9 of the agent of a node fails the job, and the user is told', async () => {
    const id = await runningJob('agent');
    const [, second = ''] = (await as.engine.status([id])).get(id)?.nodes ?? [];
    await end((args, env) => args.includes('--node-agent') && env.includes(`SLURMD_NODENAME=${second}`));
    assert.equal((await as.ended(id)).exitStatus, 246);
    assert.match(await as.read(`agent.e${id}`), new RegExp(`vtorque: Cannot go on: .* node "${second}" is lost: `));
    await expectNoResidue(clean, residueMs);
  });

  test('a job that is put back into the queue runs again, as another attempt', async () => {
    const script = '#!/bin/sh\n[ -e again.up ] && exit 4\necho up >again.up\nsleep 600\n';
    const id = await as.submit(two, script, 'again');
    await as.appears('again.up');
    const attempts = async (): Promise<string[]> => {
      const found = await processesOf(as.user, /^start launch$/);
      const texts = await Promise.all(found.map(({ pid }) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')));
      return texts.map((text) => /(?:^|\0)SLURM_RESTART_COUNT=(\d+)/.exec(text)?.[1] ?? '0');
    };
    assert.deepEqual(new Set(await attempts()), new Set(['0']));
    const { code, stderr } = await execute(['scontrol', 'requeue', id], { env: { ...process.env, ...slurm.env } });
    assert.equal(code, 0, stderr);
    await expectNoResidue(clean, residueMs);
    assert.deepEqual(new Set(await attempts()), new Set(['1']));
    assert.equal((await as.ended(id)).exitStatus, 4);
    await expectNoResidue(clean, residueMs);
  });

  for (const [what, program, codes] of [
    ['QEMU', /^qemu-system/, { 'the guest boots': [244, 245], 'the script runs': [246] }],
    ['virtiofsd', /virtiofsd$/, { 'the guest boots': [242, 244, 245], 'the script runs': [242] }],
  ] as const) {
    for (const phase of phases) {
      test(`kill -9 of ${what} while ${phase} fails the job, with the reason`, async () => {
        const { id, error } = await killedIn(as, phase, `${what}-${phase.replaceAll(' ', '-')}`, one, { program });
        const { exitStatus = 0 } = await as.ended(id);
        assert.match(await as.read(error), /^vtorque: Cannot [\s\S]*SIGKILL/m);
        const expected: Readonly<Record<string, readonly number[]>> = codes;
        assert.ok((expected[phase] ?? [242, 247]).includes(exitStatus), `${exitStatus}`);
        await expectNoResidue(clean, residueMs);
      });
    }
  }

  for (const phase of phases) {
    test(`the end of a daemon of a node while ${phase} ends the job as soon as Slurm gives the node up, if it has not ended by then`, async () => {
      const name = `slurmd-${phase.replaceAll(' ', '-')}`;
      const { id } = await jobIn(as, phase, name, [...two, '-r', 'n'], { program: /^qemu-system/ });
      const [, second = ''] = (await as.engine.status([id])).get(id)?.nodes ?? [];
      slurm.daemon(second).kill('SIGKILL');
      const { exitStatus } = await as.ended(id);
      const ended = phase === 'the guest is torn down' && exitStatus === 0;
      if (!ended) {
        assert.equal(exitStatus, -2);
        assert.match(await as.read(`${name}.e${id}`), /DUE TO NODE FAILURE/);
      }
      await expectNoResidue(clean, residueMs);
      await slurm.restart(second);
      await slurm.idle();
    });
  }
});
