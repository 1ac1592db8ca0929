import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { whyFailed as tmrshFailed } from '../openpbs/job-engine.ts';
import { whyFailed as pbsdshFailed } from '../torque/job-engine.ts';
import { findJobCommand } from './find-command.ts';
import { takeOver } from './handed-on.ts';
import { sessionMark } from './session-mark.ts';
import { startAll, startTaskCommand, taskWords } from './started-task.ts';

const allocation = {
  engine: 'torque',
  cluster: 'head',
  jobId: '121[1].head',
  attempt: 'a',
  nodes: [{ name: 'n1', slots: 2 }],
  nodeIndex: 0,
  secret: 'not to be seen',
} as const;

test('the words of a task arrive as they are, none of them is empty on its way, and the secret is not among them', () => {
  const print = 'process.stdout.write(JSON.stringify([process.argv.slice(1), process.env.VTORQUE_ALLOCATION]))';
  // NUL cannot be in any argument.
  const word = fc.oneof(fc.constantFrom('', '-n', 'a b', "it's", '$HOME', '*', '=x', 'a\nb', 'ä'), fc.string());
  const words = fc.array(
    word.map((text) => text.replaceAll('\0', '')),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(words, (argv) => {
      const [program = '', ...rest] = taskWords(allocation, [process.execPath, '-e', print, '--', ...argv]);
      assert.ok(rest.every((each) => each !== '' && !each.includes(allocation.secret)));
      const [seen, handedOn] = JSON.parse(execFileSync(program, rest, { encoding: 'utf8', timeout: 30_000 }));
      assert.deepEqual(seen, argv);
      assert.deepEqual(takeOver(handedOn, allocation.jobId), { attempt: 'a', nodes: allocation.nodes });
    }),
    { numRuns: 12 },
  );
});

test('a failure of a task is seen in what pbsdsh says, and in the code of pbs_tmrsh', () => {
  assert.equal(pbsdshFailed(0, []), undefined);
  assert.equal(pbsdshFailed(0, ['pbsdsh(): task 0 exit status 5']), 'pbsdsh(): task 0 exit status 5');
  assert.equal(pbsdshFailed(1, ['pbsdsh(): killing task 3 signal 15']), 'pbsdsh ended with exit code 1');
  assert.equal(tmrshFailed(0, []), undefined);
  assert.equal(tmrshFailed(7, []), 'it ended with exit code 7');
  const unknown = 'pbs_tmrsh: host "nosuch" is not a node in job <1.pbshead>';
  assert.equal(tmrshFailed(255, [unknown]), unknown);
});

test('tasks that are started all end when one cannot be', async () => {
  const env = { PATH: '/usr/bin:/bin' };
  const sleeping = startTaskCommand('n1', '/bin/sleep', ['300'], env, () => 'ended');
  const missing = startTaskCommand('n2', '/nonexistent', [], env, () => 'ended');
  await assert.rejects(startAll([sleeping, missing]), { code: 'E_NODE_START' });
  assert.match((await (await sleeping).ended) ?? '', /SIGTERM/);
});

test('one session has one mark, and another cookie makes another', async () => {
  const mark = await sessionMark('a');
  assert.match(mark, /^[0-9a-f]{16}$/);
  assert.equal(await sessionMark('a'), mark);
  assert.notEqual(await sessionMark('b'), mark);
});

test('commands of the batch system are found on the PATH of the submission, too', () => {
  assert.equal(findJobCommand('env', { PATH: '/nonexistent', PBS_O_PATH: 'relative:/usr/bin' }), '/usr/bin/env');
  assert.throws(() => findJobCommand('no-such-command', {}), { code: 'E_NODE_START' });
});
