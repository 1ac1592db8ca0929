import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveOptions, firstLook, walkQsubArgs } from '../../pbs/index.ts';
import { submitWords, withVariable } from './interactive.ts';

function words(argv: readonly string[], script: readonly string[] = []): string[] {
  const [given, fromScript] = [walkQsubArgs(argv).options, walkQsubArgs(script).options];
  return submitWords([...fromScript, ...given], effectiveOptions(given, fromScript));
}

test('an interactive job asks for what the user asked for, the command line before the script', () => {
  assert.deepEqual(
    words(
      ['-VI', '-lnodes=1:ppn=2', '-N', 'a b', '-x', '-W', 'interactive=true', '-W', 'umask=22'],
      ['-l', 'nodes=4,mem=1gb', '-h'],
    ),
    ['-h', '-V', '-N', 'a b', '-W', 'umask=22', '-l', 'nodes=1:ppn=2', '-l', 'mem=1gb'],
  );
});

test('qsub finds the launcher where it stands, whatever the options were', () => {
  const argv = [
    '-I',
    '-x',
    ...words(['-hVN', 'name', '-C', '#X', '-d/tmp']),
    '-v',
    withVariable('A,B=1', 'x'),
    '/launch',
  ];
  assert.equal(firstLook(argv).script?.text, '/launch');
  assert.deepEqual(
    walkQsubArgs(argv).operands.map(({ text }) => text),
    ['/launch'],
  );
});

test("the request goes as one more variable in front of the user's, which stay as they are", () => {
  assert.equal(withVariable(undefined, 'x'), 'VTORQUE_INTERACTIVE=x');
  assert.equal(withVariable('', 'x'), 'VTORQUE_INTERACTIVE=x');
  assert.equal(withVariable('A,B="c d"', 'x'), 'VTORQUE_INTERACTIVE=x,A,B="c d"');
});

test('resources keep their values: empty ones, and such with commas', () => {
  const list = (value: string): string[] => words(['-l', value]);
  assert.deepEqual(list('walltime='), ['-l', 'walltime=']);
  assert.deepEqual(list(`other='a,b',mem=1gb`), ['-l', 'other="a,b"', '-l', 'mem=1gb']);
  assert.deepEqual(list('hostlist=n[1,2]'), ['-l', 'hostlist=n[1,2]']);
});
