// qalter, qrerun and holds of the embedded batch system.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exists, type UserAtWork, until, useBatch } from './support/embedded.ts';
import { isRoot } from './support/users.ts';

const t = useBatch();

const asRoot = (): UserAtWork => (isRoot ? { ...t.user, name: 'root', uid: 0, become: [] } : t.user);
const run = (...command: string[]) => t.batch.run(t.user, command);
const manage = (...command: string[]) => t.batch.run(asRoot(), command);
const attribute = async (id: string, name: string): Promise<string | undefined> =>
  new RegExp(`^ {4}${name.replaceAll('.', '\\.')} = (.*)$`, 'm').exec((await run('qstat', '-f', id)).stdout)?.[1];

describe('qalter', () => {
  test('changes a job that waits, and the job runs that way', async () => {
    const id = await t.batch.submit(t.user, 'echo "$PBS_JOBNAME $PBS_WALLTIME $A"', ['-h', '-v', 'A=1']);
    const result = await run('qalter', '-N', 'newname', '-l', 'walltime=33', '-o', 'altered.out', '-v', 'A=2', id);
    assert.deepEqual(result, { code: 0, signal: null, stdout: '', stderr: '' });
    assert.equal(await attribute(id, 'Job_Name'), 'newname');
    assert.equal(await attribute(id, 'Resource_List.walltime'), '00:00:33');
    await t.batch.killDaemon();
    await t.batch.start();
    await run('qalter', '-h', 'n', id);
    await t.batch.wait(id);
    assert.equal((await run('cat', 'altered.out')).stdout, 'newname 33 2\n');
  });

  test('refuses a running job, where only managers change the time limit, and a complete one', async () => {
    const id = await t.batch.submit(t.user, 'sleep 1000', ['-l', 'walltime=900']);
    await t.batch.waitFor(id, ({ session }) => session !== undefined);
    const refused = await run('qalter', '-N', 'x', id);
    assert.equal(refused.stderr, `qalter: Cannot modify attribute while job running ${id}\n`);
    assert.equal(refused.code, 15017 % 256);
    if (isRoot) assert.equal((await run('qalter', '-l', 'walltime=1', id)).code, 159);
    assert.equal((await manage('qalter', '-l', 'walltime=1', id)).code, 0);
    assert.equal((await t.batch.wait(id)).exitStatus, -11);
    const complete = await run('qalter', '-N', 'x', id);
    assert.match(complete.stderr, /^qalter: Request invalid for state of job MSG=invalid state for job - COMPLETE /);
    assert.equal(complete.code, 15018 % 256);
  });

  test('has the usage errors of a command, and names what is not there', async () => {
    for (const [args, text, code] of [
      [['-N', 'bad name', '1'], 'qalter: illegal -N value', 2],
      [['-j', 'zz', '1'], 'qalter: illegal -j value', 2],
      [['-h', 'q', '1'], 'qalter: illegal -h value', 2],
      [['-p', '5', '1'], 'qalter: -p is not available in the embedded batch system', 1],
      [['-W', 'stagein=x', '1'], 'qalter: -W stagein is not available in the embedded batch system', 1],
      [['-N', 'x', 'abc'], 'qalter: illegally formed job identifier: abc', 1],
    ] as const) {
      const result = await run('qalter', ...args);
      assert.deepEqual({ text: result.stderr.split('\n')[0], code: result.code }, { text, code });
    }
  });

  test('changes the slot limit of an array, and single elements of it', async () => {
    const id = await t.batch.submit(t.user, 'echo "$PBS_WALLTIME"; sleep 1000', ['-t', '0-3', '-h', '-N', 'arr']);
    assert.equal((await run('qalter', '-t', '%2', id)).code, 0);
    assert.equal((await run('qalter', '-t', '3', '-l', 'walltime=44', id)).code, 0);
    assert.equal((await run('qrls', '-t', '0-1,3', id)).code, 0);
    const states = async (): Promise<string> =>
      [...(await run('qstat', '-t', id)).stdout.matchAll(/ ([A-Z]) batch/g)].map(([, state]) => state).join('');
    await until(async () => (await states()) === 'RRHQ', 'two elements run, one is held, one waits for a slot');
    assert.equal(await attribute(id.replace('[]', '[3]'), 'Resource_List.walltime'), '00:00:44');
    assert.equal(await attribute(id.replace('[]', '[2]'), 'Resource_List.walltime'), '01:00:00');
    assert.equal((await run('qhold', '-t', '3', id)).code, 0);
    assert.equal(await states(), 'RRHH');
    await run('qdel', id);
    await t.batch.wait(id);
  });
});

describe('holds', () => {
  test('of managers are set and taken away by managers only, and each kind is one hold of its own', async () => {
    const id = await t.batch.submit(t.user, 'true', ['-h']);
    assert.equal((await manage('qhold', '-h', 'o', id)).code, 0);
    assert.equal(await attribute(id, 'Hold_Types'), 'uo');
    await run('qrls', id);
    assert.equal(await attribute(id, 'Hold_Types'), 'o');
    if (isRoot) assert.equal((await run('qrls', '-h', 'o', id)).code, 159);
    await manage('qrls', '-h', 'o', id);
    assert.equal((await t.batch.wait(id)).exitStatus, 0);
  });
});

describe('qrerun', () => {
  test('is for managers', { skip: isRoot ? false : 'needs root, who is a manager beside the user' }, async () => {
    const id = await t.batch.submit(t.user, 'sleep 1000');
    await t.batch.waitFor(id, ({ session }) => session !== undefined);
    const { stderr, code } = await run('qrerun', id);
    const needed = 'additional permissions required (ATR_DFLAG_MGWR | ATR_DFLAG_OPWR)';
    assert.deepEqual({ stderr, code }, { stderr: `qrerun: Unauthorized Request  MSG=${needed} ${id}\n`, code: 159 });
  });

  test('sends a running job back to the queue: it starts anew, and only its last run has an output', async () => {
    const script =
      'echo "$(ls "$PBS_O_WORKDIR" | grep -c ^begun)"; touch "$PBS_O_WORKDIR/begun-$$"; [ -e "$PBS_O_WORKDIR/finish" ] || sleep 1000';
    const id = await t.batch.submit(t.user, script);
    await t.batch.waitFor(id, ({ session }) => session !== undefined);
    await until(async () => (await run('sh', '-c', 'ls begun*')).code === 0, 'it has begun');
    await run('touch', 'finish');
    assert.equal((await manage('qrerun', id)).code, 0);
    const job = await t.batch.wait(id);
    assert.deepEqual([job.exitStatus, job.startCount], [0, 2]);
    assert.equal(await t.output(id), '1\n');
    await run('sh', '-c', 'rm begun* finish');
  });

  test('keeps its promise over a kill -9 of the daemon', async () => {
    const id = await t.batch.submit(
      t.user,
      '[ -e "$PBS_O_WORKDIR/once" ] || { touch "$PBS_O_WORKDIR/once"; sleep 1000; }',
    );
    await until(() => exists(t.file('once')), 'it has begun');
    await manage('qrerun', id);
    await t.batch.killDaemon();
    await t.batch.start();
    const job = await t.batch.wait(id);
    assert.equal(job.exitStatus, 0);
    // Three when the daemon died at its second start.
    assert.ok(job.startCount >= 2, String(job.startCount));
    await run('rm', 'once');
  });

  test('refuses jobs of qsub -r n unless forced, and jobs that do not run', async () => {
    const id = await t.batch.submit(t.user, 'sleep 1000', ['-r', 'n']);
    await t.batch.waitFor(id, ({ session }) => session !== undefined);
    const refused = await manage('qrerun', id);
    assert.deepEqual([refused.stderr, refused.code], [`qrerun: Job is not rerunnable ${id}\n`, 15040 % 256]);
    assert.equal((await manage('qrerun', '-f', id)).code, 0);
    await t.batch.waitFor(id, ({ startCount, session }) => startCount === 2 && session !== undefined);
    await run('qdel', '-W', '0', id);
    await t.batch.wait(id);
    assert.equal((await manage('qrerun', id)).code, 15018 % 256);
  });
});
