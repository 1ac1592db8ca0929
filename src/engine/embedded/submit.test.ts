import assert from 'node:assert/strict';
import { test } from 'node:test';
import { qsubError } from '../../pbs/index.ts';
import { virtualNodes } from './nodes.ts';
import { PbsError } from './protocol.ts';
import { defaultSettings } from './settings.ts';
import { encodeSpec } from './shepherd-link.ts';
import { asPbsError, checkSubmission, jobsOf } from './submit.ts';
import { aSubmission } from './test-builders.ts';

const site = { ...defaultSettings, server: 'tqhead', nodes: virtualNodes(3, 4), memory: 8 * 2 ** 30 };
const owner = { uid: 1000, name: 'tqa', group: 'tqa', home: '/home/tqa' };
const resources = (...list: [string, string][]) =>
  checkSubmission(aSubmission({ resources: list }), site).resources.map((pair) => pair.join('='));

test('checkSubmission() puts defaults where Torque puts them', () => {
  assert.deepEqual(resources(), ['walltime=01:00:00', 'nodes=1', 'nodect=1']);
  assert.deepEqual(resources(['walltime', '50']), ['walltime=00:00:50', 'nodes=1', 'nodect=1']);
  assert.deepEqual(resources(['nodes', '3:ppn=4']), ['nodes=3:ppn=4', 'nodect=3', 'walltime=01:00:00']);
  assert.deepEqual(resources(['nodes', '2:ppn=2'], ['walltime', '90'], ['mem', '100mb'], ['software', 'vm']), [
    'nodes=2:ppn=2',
    'walltime=00:01:30',
    'mem=100mb',
    'software=vm',
    'nodect=2',
  ]);
});

test('checkSubmission() refuses what could never start, what is unknown and what is missing here', () => {
  const code = (change: Parameters<typeof aSubmission>[0]): number | undefined => {
    try {
      checkSubmission(aSubmission(change), site);
      return undefined;
    } catch (error) {
      const pbs = asPbsError(error);
      return pbs instanceof PbsError ? pbs.code % 256 : Number.NaN;
    }
  };
  assert.equal(code({ resources: [['nodes', '4']] }), 190);
  assert.equal(code({ resources: [['mem', '9gb']] }), 190);
  assert.equal(
    code({
      resources: [
        ['nodes', '2'],
        ['mem', '9gb'],
      ],
    }),
    undefined,
  );
  assert.equal(code({ resources: [['foo', 'bar']] }), 189);
  assert.equal(code({ resources: [['cput', '10']] }), 189);
  assert.equal(code({ resources: [['walltime', 'xx']] }), 168);
  assert.equal(code({ queue: 'nosuch' }), 172);
  assert.equal(code({ array: 'x' }), 235);
  assert.equal(code({ array: '1-20000' }), 235);
});

test('a NUL gets neither through the check nor into a shepherd’s description, where it could smuggle in another uid', () => {
  assert.throws(() => checkSubmission(aSubmission({ variables: [['A', 'x\0uid\0' + '0']] }), site), PbsError);
  assert.throws(() => encodeSpec([['env', 'A=x\0uid\0' + '0']]), /NUL/);
});

test('jobsOf() makes an array and its elements', () => {
  const jobs = jobsOf(aSubmission({ array: '1-2,5%2' }), owner, 'tqhead', 121, 7);
  assert.deepEqual(
    jobs.map(({ id }) => id),
    ['121[].tqhead', '121[1].tqhead', '121[2].tqhead', '121[5].tqhead'],
  );
  assert.equal(jobs[0]?.slotLimit, 2);
  assert.equal(new Set(jobs.map(({ cookie }) => cookie)).size, 4);
  assert.ok(jobs.every(({ state, etime }) => state === 'Q' && etime === 7));
});

test('jobsOf() holds what is submitted with -h', () => {
  const [job] = jobsOf(aSubmission({ hold: true }), owner, 'tqhead', 1, 7);
  assert.equal(job?.state, 'H');
  assert.equal(job?.etime, undefined);
});

test('asPbsError() keeps the exit code of an error that was written for qsub, and its text once', () => {
  for (const exitCode of [153, 168, 190, 235, 1]) {
    const error = asPbsError(qsubError('qsub: submit error (Some text)', exitCode));
    assert.ok(error instanceof PbsError);
    assert.equal(error.code % 256, exitCode);
    assert.equal(error.message, 'Some text');
  }
});

test('checkSubmission() refuses a job whose attributes would write on the terminals of others', () => {
  for (const change of [{ name: 'a\x1b[2J' }, { account: 'a\nb' }, { resources: [['software', '\x9b2J']] as const }]) {
    assert.throws(() => checkSubmission(aSubmission(change), site), { code: 15016 });
  }
});

test('an interactive job cannot be run again, nor be an array', () => {
  assert.equal(checkSubmission(aSubmission({ interactive: true }), site).rerunable, false);
  assert.equal(checkSubmission(aSubmission(), site).rerunable, true);
  assert.throws(() => checkSubmission(aSubmission({ interactive: true, array: '1-2' }), site), PbsError);
});
