import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CommandError } from './command.ts';
import { getopt } from './getopt.ts';

const read = (...args: string[]) => getopt('qx', args, 'fnt:1', 'usage: qx');

test('getopt() reads clusters, attached and separate values, options after operands, and the end mark', () => {
  const options = read('1.head', '-fn1', '-t3', '--', '-f');
  assert.deepEqual(
    ['f', 'n', '1'].map((letter) => options.has(letter)),
    [true, true, true],
  );
  assert.equal(options.value('t'), '3');
  assert.deepEqual(options.operands, ['1.head', '-f']);
  assert.equal(read('-ft', '5').value('t'), '5');
});

test('getopt() refuses unknown options and missing values with exit code 2 and the usage', () => {
  for (const [args, reason] of [
    [['-z'], "invalid option -- 'z'"],
    [['-:'], "invalid option -- ':'"],
    [['-t'], "option requires an argument -- 't'"],
  ] as const) {
    assert.throws(
      () => read(...args),
      (error: unknown) =>
        error instanceof CommandError && error.exitCode === 2 && error.message === `qx: ${reason}\nusage: qx`,
    );
  }
});

test('getopt() never throws anything else', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (args) => {
      try {
        read(...args);
      } catch (error) {
        assert.ok(error instanceof CommandError);
      }
    }),
  );
});
