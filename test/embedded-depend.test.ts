// Dependencies between jobs of the embedded batch system.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { useBatch } from './support/embedded.ts';

const t = useBatch();

const depending = (on: string, script = 'true', args: string[] = []): Promise<string> =>
  t.batch.submit(t.user, script, ['-W', `depend=${on}`, ...args]);
const shown = async (id: string, ...names: string[]): Promise<(string | undefined)[]> => {
  const { stdout } = await t.batch.run(t.user, ['qstat', '-f', id]);
  return names.map((name) => new RegExp(`^ {4}${name} = (.*)$`, 'm').exec(stdout)?.[1]);
};
const waits = (file: string): string =>
  `while [ ! -e "$PBS_O_WORKDIR/${file}" ]; do sleep 0.05; done; rm "$PBS_O_WORKDIR/${file}"`;
const accounting = async (id: string): Promise<string[]> => {
  const dir = join(t.batch.dir, 'server_priv/accounting');
  const days = await Promise.all((await readdir(dir)).map((day) => readFile(join(dir, day), 'utf8')));
  return [...days.join('').matchAll(/^[^;]*;(.);([^;]*);/gm)].flatMap(([, event = '', job]) =>
    job === id ? [event] : [],
  );
};

test('a job is held by the system until the one before it has ended well, and both say so', async () => {
  const first = await t.batch.submit(t.user, waits('go'));
  const second = await depending(`afterok:${first}`);
  assert.deepEqual(await shown(second, 'job_state', 'depend', 'Hold_Types'), ['H', `afterok:${first}`, 's']);
  assert.deepEqual(await shown(first, 'depend'), [`beforeok:${second}`]);
  await t.batch.run(t.user, ['touch', 'go']);
  assert.equal((await t.batch.wait(second)).exitStatus, 0);
  assert.deepEqual(await shown(second, 'depend', 'Hold_Types'), [undefined, 'n']);
  assert.deepEqual(await accounting(second), ['Q', 'S', 'E']);
});

test('a job whose dependency cannot be met any more is deleted, with all that wait for it', async () => {
  const first = await t.batch.submit(t.user, `${waits('fail')}; exit 3`);
  const second = await depending(`afterok:${first}`);
  const third = await depending(`afterany:${second}`);
  const fourth = await depending(`afterok:${second}`);
  const other = await depending(`afternotok:${first}`);
  await t.batch.run(t.user, ['touch', 'fail']);
  const job = await t.batch.wait(second);
  assert.deepEqual([job.startCount, job.comment], [0, `Job deleted as result of dependency on job ${first}`]);
  assert.equal((await t.batch.wait(third)).exitStatus, 0);
  assert.equal((await t.batch.wait(fourth)).startCount, 0);
  assert.equal((await t.batch.wait(other)).exitStatus, 0);
  assert.deepEqual(await accounting(second), ['Q', 'A']);
});

test('after= waits for the start only, and what is already so holds nobody', async () => {
  const first = await t.batch.submit(t.user, waits('end'), ['-h']);
  const second = await depending(`after:${first}`);
  assert.deepEqual(await shown(second, 'job_state'), ['H']);
  await t.batch.run(t.user, ['qrls', first]);
  await t.batch.wait(second);
  assert.deepEqual(await shown(first, 'job_state'), ['R']);
  assert.equal((await t.batch.wait(await depending(`after:${first}`))).exitStatus, 0);
  await t.batch.run(t.user, ['touch', 'end']);
  await t.batch.wait(first);
  const { code, stderr } = await t.batch.run(t.user, ['qsub', '-W', `depend=afternotok:${first}`], { input: 'true' });
  assert.deepEqual([code, stderr], [208, 'qsub: submit error (Invalid Job Dependency)\n']);
});

test('on= waits until so many jobs have named themselves with before=, and for them', async () => {
  const last = await depending('on:2');
  const first = await depending(`beforeok:${last}`);
  await t.batch.wait(first);
  assert.deepEqual(await shown(last, 'job_state', 'depend'), ['H', 'on:1']);
  await depending(`beforeany:${last}`, 'exit 4');
  assert.equal((await t.batch.wait(last)).exitStatus, 0);
});

test('arrays wait as a whole, and are waited for as a whole', async () => {
  const first = await t.batch.submit(t.user, `[ $PBS_ARRAYID = 1 ] && { ${waits('array')}; }; true`, ['-t', '0-2']);
  const second = await depending(`afterokarray:${first}`, 'true', ['-t', '1-2']);
  assert.match((await t.batch.run(t.user, ['qstat', '-t', second])).stdout, / H batch.*\n.* H batch/);
  await t.batch.run(t.user, ['touch', 'array']);
  await t.batch.wait(second);
  assert.equal((await t.batch.wait(second.replace('[]', '[2]'))).exitStatus, 0);
  const { code } = await t.batch.run(t.user, ['qsub', '-W', `depend=afterok:${first}`], { input: 'true' });
  assert.equal(code, 208);
});

test('a dependency that is met while no daemon runs releases its job with the next one', async () => {
  const first = await t.batch.submit(t.user, waits('later'));
  const second = await depending(`afterok:${first}`);
  await t.batch.waitFor(first, ({ session }) => session !== undefined);
  await t.batch.killDaemon();
  await t.batch.run(t.user, ['touch', 'later']);
  await t.batch.start();
  assert.equal((await t.batch.wait(second)).exitStatus, 0);
});

test('qalter gives a job another dependency', async () => {
  const [first, other] = [await t.batch.submit(t.user, 'true', ['-h']), await t.batch.submit(t.user, 'true', ['-h'])];
  const job = await depending(`afterok:${first}`);
  assert.equal((await t.batch.run(t.user, ['qalter', '-W', `depend=afterok:${other}`, job])).code, 0);
  assert.deepEqual(await shown(first, 'depend'), [undefined]);
  await t.batch.run(t.user, ['qrls', other]);
  assert.equal((await t.batch.wait(job)).exitStatus, 0);
  await t.batch.run(t.user, ['qdel', first]);
});
