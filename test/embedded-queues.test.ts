// Several queues, and nodes taken out of service, in the embedded batch system.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { seq, type UserAtWork, until, useBatch } from './support/embedded.ts';
import { isRoot } from './support/users.ts';

const t = useBatch({
  config: `
max_user_spool = "4mb"
[queues.batch]
[queues.short]
resources_default = { walltime = "00:00:30", nodes = "1:ppn=2" }
resources_max = { walltime = "00:01:00", nodect = 1 }
[queues.stopped]
started = false
[queues.closed]
enabled = false
`,
});

const run = (...command: string[]) => t.batch.run(t.user, command);
const manage = (...command: string[]) =>
  t.batch.run(isRoot ? ({ ...t.user, name: 'root', uid: 0, become: [] } as UserAtWork) : t.user, command);

test('a queue gives its jobs their defaults and its name', async () => {
  const id = await t.batch.submit(t.user, 'echo "$PBS_QUEUE $PBS_O_QUEUE $PBS_NP $PBS_WALLTIME"', ['-q', 'short']);
  await t.batch.wait(id);
  assert.equal(await t.output(id), 'short short 2 30\n');
});

for (const [args, text, code] of [
  [
    ['-q', 'short', '-l', 'walltime=61'],
    'Job exceeds queue resource limits MSG=cannot satisfy queue max walltime requirement',
    190,
  ],
  [
    ['-q', 'short', '-l', 'nodes=2'],
    'Job exceeds queue resource limits MSG=cannot satisfy queue max nodect requirement',
    190,
  ],
  [['-q', 'closed'], 'Queue is not enabled MSG=queue is disabled: closed', 175],
  [['-q', 'nosuch'], 'Unknown queue MSG=requested queue not found', 172],
] as const) {
  test(`qsub ${args.join(' ')} is refused with exit code ${code}`, async () => {
    const result = await t.batch.run(t.user, ['qsub', ...args], { input: 'true' });
    assert.deepEqual([result.code, result.stderr], [code, `qsub: submit error (${text})\n`]);
  });
}

test('a stopped queue keeps its jobs, and holds back nobody', async () => {
  const waits = await t.batch.submit(t.user, 'true', ['-q', 'stopped']);
  const runs = await t.batch.submit(t.user, 'true');
  await t.batch.wait(runs);
  assert.match((await run('qstat', 'stopped')).stdout, new RegExp(`^${waits.replace('.', '\\.')} .* Q stopped`, 'm'));
  assert.doesNotMatch((await run('qstat', 'stopped')).stdout, / batch /);
  assert.match((await run('qstat', '-q')).stdout, /^stopped .* 0 {3}1 -- {3}E S$/m);
  assert.match((await run('qstat', '-Q', 'stopped')).stdout, /^stopped +0 +1 +yes +no +1 /m);
  assert.match(
    (await run('qstat', '-Qf', 'short')).stdout,
    /^Queue: short\n[\s\S]* {4}resources_max.walltime = 00:01:00\n/,
  );
  assert.match((await run('qstat', '-B')).stdout, / Active {4}$/m);
  assert.match((await run('qstat', '-Bf')).stdout, /^ {4}default_queue = batch$/m);
  const unknown = await run('qstat', 'nosuch');
  assert.deepEqual([unknown.code, unknown.stderr], [172, 'qstat: Unknown queue MSG=cannot locate queue nosuch\n']);
  await run('qdel', waits);
});

test('pbsnodes -o takes a node out of service, also over a restart, until pbsnodes -c', async () => {
  if (isRoot) {
    const refused = await run('pbsnodes', '-o', 'node1');
    assert.deepEqual([refused.code, refused.stderr.slice(0, 43)], [1, 'Error marking node node1 - Unauthorized Req']);
  }
  assert.equal((await manage('pbsnodes', '-o', '-N', 'new disk', 'node1')).code, 0);
  assert.equal((await run('pbsnodes', '-l')).stdout, 'node1                offline\n');
  assert.equal((await run('pbsnodes', '-l', '-n')).stdout, `node1                ${'offline'.padEnd(26)} new disk\n`);
  assert.match((await run('pbsnodes', 'node1')).stdout, / {5}state = offline\n[\s\S]* {5}note = new disk\n/);
  await t.batch.killDaemon();
  await t.batch.start();
  const elsewhere = await t.batch.submit(t.user, 'uniq "$PBS_NODEFILE"', ['-l', 'nodes=1:ppn=4']);
  await t.batch.wait(elsewhere);
  assert.equal(await t.output(elsewhere), 'node2\n');
  const both = await t.batch.submit(t.user, 'true', ['-l', 'nodes=2']);
  assert.match((await run('qstat', both)).stdout, / Q batch/);
  assert.equal((await manage('pbsnodes', '-c', '-N', '', 'node1')).code, 0);
  await t.batch.wait(both);
  assert.equal((await run('pbsnodes', '-l')).stdout, '');
  assert.equal((await manage('pbsnodes', '-o', 'nosuch')).code, 1);
});

describe('scripts and variables of jobs of one user that have not ended', {
  skip: isRoot ? false : 'needs a batch system of somebody else',
}, () => {
  const script = (megabytes: number): string => `exit 0\n${'#'.repeat(megabytes << 20)}`;
  const spooled = () => readdir(join(t.batch.dir, 'server_priv/jobs'));
  const qsub = (megabytes: number, user: UserAtWork = t.user) =>
    t.batch.run(user, ['qsub', '-h', '-o', '/dev/null', '-e', '/dev/null'], { input: script(megabytes) });

  test('have a limit, also over a restart of the daemon', async () => {
    const first = await qsub(3);
    assert.equal(first.code, 0);
    await t.batch.killDaemon();
    await t.batch.start();
    const { code, stderr } = await qsub(3);
    assert.equal(code, 190);
    assert.match(
      stderr,
      /^qsub: submit error \(Job exceeds queue resource limits MSG=this takes 30\d\dkb, and \d+kb are left of max_user_spool/,
    );
    assert.equal((await qsub(3, t.other)).code, 0);
    await t.batch.run(t.other, ['qdel', 'all']);
    await run('qdel', 'all');
    assert.equal((await qsub(3)).code, 0);
  });

  test('leave no script behind when their job is complete', async () => {
    const id = await t.batch.submit(t.user, script(1), ['-o', '/dev/null', '-e', '/dev/null']);
    await t.batch.wait(id);
    await until(async () => !(await spooled()).includes(seq(id)), 'the script is gone');
  });

  test('have no way round the limit by qalter of an array', async () => {
    const id = await t.batch.submit(t.user, 'true', ['-h', '-t', '1-2000', '-v', `A=${'x'.repeat(4000)}`]);
    const { code, stderr } = await run('qalter', '-v', 'B=1', id);
    assert.equal(code, 190);
    assert.match(stderr, /max_user_spool/);
    assert.doesNotMatch((await run('qstat', '-f', '-t', id)).stdout, /B=1/);
  });
});
