// Whatever is ended on a Slurm, at whatever moment: the job ends with the truth, and nothing of it is left on any node.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execute } from './support/cluster.ts';
import { until } from './support/embedded.ts';
import { processesOf } from './support/processes.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { startSlurm, type TestSlurm, whyNoSlurm } from './support/slurm.ts';
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

  const two = ['-d', '.', '-vm', 'img=host,vcpus=1,ram=256M', '-l', 'nodes=2:ppn=2'];

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

  test('kill -9 of the launcher fails the job', async () => {
    const id = await runningJob('launcher');
    await end((args) => !args.includes('--node-agent'));
    assert.equal((await as.ended(id)).exitStatus, 256 + 9);
    await expectNoResidue(clean, residueMs);
  });

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

  const one = ['-d', '.', '-vm', 'img=host,vcpus=1,ram=256M', '-l', 'nodes=1:ppn=2'];
  /** It ends when it is told to. What it leaves running does not want to end, so that the tear-down takes a while. */
  const ending = (name: string): string => `#!/bin/bash
setsid bash -c 'trap "" TERM; touch /tmp/stubborn; while true; do sleep 1; done' </dev/null >/dev/null 2>&1 &
while [ ! -e /tmp/stubborn ]; do sleep 0.05; done
echo up >${name}.up
while [ ! -e ${name}.end ]; do sleep 0.05; done
exit 0
`;

  /** Wait until a step is in the job's record. */
  async function reaches(id: string, step: string): Promise<void> {
    const record = join(as.user.home, `.local/state/vtorque/jobs/${id}.jsonl`);
    const there = async (): Promise<boolean> => (await readFile(record, 'utf8').catch(() => '')).includes(`"${step}"`);
    await until(there, `job ${id} is at "${step}"`);
  }

  interface Phase {
    readonly id: string;
    readonly victims: readonly number[];
  }
  const pidsOf = async (program: RegExp): Promise<number[]> =>
    (await processesOf(as.user, program)).map(({ pid }) => pid);

  /** Bring a job into a phase of its life, and find processes of it. */
  const phases: Readonly<Record<string, (name: string, args: readonly string[], program: RegExp) => Promise<Phase>>> = {
    'the guest boots': async (name, args, program) => {
      // A clone that ends would be followed by a guest that boots.
      const id = await as.submit([...args, '-vm', 'warm=off'], '#!/bin/sh\nsleep 600\n', name);
      await processesOf(as.user, /^qemu-system/);
      return { id, victims: await pidsOf(program) };
    },
    'the script runs': async (name, args, program) => {
      const id = await as.submit(args, `#!/bin/sh\necho up >${name}.up\nsleep 600\n`, name);
      await as.appears(`${name}.up`);
      return { id, victims: await pidsOf(program) };
    },
    'the guest is torn down': async (name, args, program) => {
      const id = await as.submit(args, ending(name), name);
      await as.appears(`${name}.up`);
      const victims = await pidsOf(program);
      await execute([...as.user.become, 'touch', join(as.work, `${name}.end`)], {});
      await reaches(id, 'tear-down');
      return { id, victims };
    },
  };
  /** Half a second is a moment that a busy machine may miss; then there is another job. */
  const attempts = 5;

  /** Kill these processes of a job in that phase. */
  async function killedIn(phase: string, name: string, program: RegExp): Promise<{ id: string; error: string }> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const begun = await phases[phase]?.(`${name}${attempt}`, one, program);
      assert.ok(begun);
      try {
        for (const pid of begun.victims) process.kill(pid, 'SIGKILL');
        return { id: begun.id, error: `${name}${attempt}.e${begun.id}` };
      } catch {
        // Too late: it had ended.
        await as.ended(begun.id);
      }
    }
    assert.fail('the phase was over each time before anything could be killed');
  }

  for (const [what, program, codes] of [
    ['QEMU', /^qemu-system/, { 'the guest boots': [244, 245], 'the script runs': [246] }],
    ['virtiofsd', /virtiofsd$/, { 'the guest boots': [242, 244, 245], 'the script runs': [242] }],
  ] as const) {
    for (const phase of Object.keys(phases)) {
      test(`kill -9 of ${what} while ${phase} fails the job, with the reason`, async () => {
        const { id, error } = await killedIn(phase, `${what}-${phase.replaceAll(' ', '-')}`, program);
        const { exitStatus = 0 } = await as.ended(id);
        assert.match(await as.read(error), /^vtorque: Cannot [\s\S]*SIGKILL/m);
        const expected: Readonly<Record<string, readonly number[]>> = codes;
        assert.ok((expected[phase] ?? [242, 247]).includes(exitStatus), `${exitStatus}`);
        await expectNoResidue(clean, residueMs);
      });
    }
  }

  for (const [phase, begin] of Object.entries(phases)) {
    test(`the end of a daemon of a node while ${phase} ends the job as soon as Slurm gives the node up, if it has not ended by then`, async () => {
      const name = `slurmd-${phase.replaceAll(' ', '-')}`;
      const { id } = await begin(name, [...two, '-r', 'n'], /^qemu-system/);
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
