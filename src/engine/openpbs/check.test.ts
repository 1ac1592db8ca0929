import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveOptions, walkQsubArgs } from '../../pbs/index.ts';
import { checkForOpenPbs } from './check.ts';

const check = (argv: readonly string[], directives: readonly string[] = []): void =>
  checkForOpenPbs({
    argv,
    options: effectiveOptions(walkQsubArgs(argv).options, walkQsubArgs(directives).options),
  });

test('what only Torque has is refused by name, with what does the same', () => {
  for (const [argv, message, hint] of [
    [['-t', '1-3'], /^Cannot use -t: qsub of OpenPBS/, /-J 1-10/],
    [['-d', '/tmp'], /-d:/, /PBS_O_WORKDIR/],
    [['-F', 'a b'], /-F:/, /-v NAME=VALUE/],
    [['-w', '/tmp'], /-w:/, /-o and -e/],
    [['-n'], /-n:/, /place=excl/],
    [['-l', 'procs=4'], /-l procs=:/, /select=/],
  ] as const) {
    assert.throws(() => check(argv), { code: 'E_NOT_ON_OPENPBS', message, hint });
    assert.throws(() => check([], argv), { code: 'E_NOT_ON_OPENPBS' });
  }
});

test('what OpenPBS has is taken', () => {
  check(['-J', '1-10%2', '-l', 'select=1:ncpus=2', '-l', 'place=excl', '-P', 'project', '-f', '-r', 'y', 'job.sh']);
  check(['-I', '-x', 'make test']);
});

test('a command in place of a script would run on the node, so it is refused', () => {
  assert.throws(() => check(['--', 'hostname']), { code: 'E_JOB_KIND_UNAVAILABLE', hint: /echo 'COMMAND'/ });
});
