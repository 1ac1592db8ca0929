import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outputOf, outputsOf, shownPath, spoolName } from './outputs.ts';
import { aJob } from './test-builders.ts';

const shown = (...args: Parameters<typeof aJob>) => shownPath(outputOf(aJob(...args), 'out'));

test('an output has its default name in the directory of the submission, or in that of -d', () => {
  assert.equal(shown({ sequence: 12 }), '/home/tqa/w/job.sh.o12');
  assert.equal(shownPath(outputOf(aJob({ sequence: 12 }), 'err')), '/home/tqa/w/job.sh.e12');
  assert.equal(shown({ sequence: 12 }, { initDir: '/data' }), '/data/job.sh.o12');
});

test('an element of an array has its number at the end of the path, unless the path names the job itself', () => {
  assert.equal(shown({ sequence: 12, element: 3 }), '/home/tqa/w/job.sh.o12-3');
  assert.equal(shown({ sequence: 12, element: 3 }, { output: '/data/out' }), '/data/out-3');
  assert.equal(shown({ sequence: 12, element: 3 }, { output: '/data/$PBS_ARRAYID.out' }), '/data/3.out');
});

test('variables of the job in a path are replaced, unknown ones left', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what the user writes
  const output = '$HOME/${PBS_JOBID}.$PBS_JOBNAME.$NOSUCH$constructor';
  assert.equal(shown({ sequence: 5 }, { output }), '/home/tqa/5.tqhead.job.sh.$NOSUCH$constructor');
});

test('a kept output goes straight into the home directory', () => {
  assert.deepEqual(outputOf(aJob({}, { keep: 'o', output: '/data/out' }), 'out'), {
    to: '/home/tqa/job.sh.o1',
    name: 'job.sh.o1',
    suffix: '',
    direct: true,
  });
});

test('a joined output has one file', () => {
  assert.deepEqual(Object.keys(outputsOf(aJob())), ['out', 'err']);
  assert.deepEqual(Object.keys(outputsOf(aJob({}, { join: 'oe' }))), ['out']);
  assert.deepEqual(Object.keys(outputsOf(aJob({}, { join: 'eo' }))), ['err']);
});

test('files in the spool carry no brackets', () => {
  assert.equal(spoolName(aJob({ sequence: 121, element: 1 }), 'err'), '121-1.tqhead.ER');
});
