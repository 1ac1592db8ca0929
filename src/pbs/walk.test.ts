import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { qsubErrorText } from './errors.ts';
import { qsubOptions } from './options.ts';
import { printWalk, word } from './test-words.ts';
import { hasOption, lastValue, walkQsubArgs } from './walk.ts';

const OWN = { '-vm': 'value', '--json': 'flag' } as const;

test('the table is the getopt string of qsub 6.1', () => {
  const letters = qsubOptions.map(({ letter, value }) => (value === undefined ? letter : `${letter}:`));
  assert.equal(letters.join(''), 'a:A:b:c:C:d:D:e:EfF:hi:Ij:J:k:K:l:L:m:M:nN:o:p:P:q:r:S:t:T:u:v:Vw:W:Xxz');
});

test('an argument list printed from its walk is the same list', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (argv) => {
      assert.deepEqual(printWalk(walkQsubArgs(argv, { own: OWN })), argv);
    }),
    { numRuns: 100_000 },
  );
});

test('every word is in exactly one class', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (argv) => {
      const walk = walkQsubArgs(argv, { own: OWN });
      const used = new Set<number>();
      for (const { at, value, attached } of [...walk.options, ...walk.own]) {
        used.add(at);
        if (value !== undefined && !attached) used.add(at + 1);
      }
      for (const { at } of walk.operands) {
        assert.ok(!used.has(at));
        used.add(at);
      }
      if (walk.endOfOptions !== undefined) used.add(walk.endOfOptions);
      assert.equal(used.size, argv.length);
    }),
    { numRuns: 10_000 },
  );
});

test('taking our words out leaves the rest as it was', () => {
  fc.assert(
    fc.property(
      fc.array(
        word.filter((w) => !(w in OWN)),
        { maxLength: 10 },
      ),
      fc.nat(10),
      (argv, where) => {
        const at = Math.min(where, argv.length);
        const mixed = [...argv.slice(0, at), '-vm', 'img=host', ...argv.slice(at)];
        const { own } = walkQsubArgs(mixed, { own: OWN });
        const ours = new Set(own.flatMap((option) => [option.at, option.at + 1]));
        const rest = mixed.filter((_, i) => !ours.has(i));
        // Behind an option that takes a value, or behind "--", the word -vm is not ours.
        assert.deepEqual(rest, own.length === 0 ? mixed : argv);
      },
    ),
    { numRuns: 10_000 },
  );
});

test('values stand in the same word or in the next one, behind flags in the same word', () => {
  const { options, operands } = walkQsubArgs(['-lnodes=1', '-hN', 'a name', 'job.sh', '-V', '-F', 'x y']);
  assert.deepEqual(options, [
    { name: 'l', value: 'nodes=1', at: 0, attached: true },
    { name: 'h', at: 1 },
    { name: 'N', value: 'a name', at: 1 },
    { name: 'V', at: 4 },
    { name: 'F', value: 'x y', at: 5 },
  ]);
  assert.deepEqual(operands, [{ text: 'job.sh', at: 3 }]);
});

test('an option of ours is one where an option may stand, and nowhere else', () => {
  const names = (argv: string[]) => walkQsubArgs(argv, { own: OWN }).own.map(({ value }) => value);
  assert.deepEqual(names(['-vm', 'img=host', 'job.sh', '-vm', 'ram=1G']), ['img=host', 'ram=1G']);
  assert.deepEqual(names(['-N', '-vm', 'img=host']), []);
  assert.deepEqual(names(['-hN', '-vm', 'img=host']), []);
  assert.deepEqual(names(['--', '-vm', 'img=host']), []);
  assert.deepEqual(names(['-vmimg=host', '-v', 'm', '-vm=x']), []);
  assert.deepEqual(names(['-vm']), [undefined]);
});

test('an unknown letter has the text and the exit code of qsub', () => {
  const [error] = walkQsubArgs(['-Z', 'ok.sh']).errors;
  assert.ok(error);
  assert.match(qsubErrorText(error), /^qsub: invalid option -- 'Z'\n\[exiting\]\n\nusage: qsub /);
  assert.match(qsubErrorText(error), /\[-z\] \[script\]\n\n$/);
  assert.equal(error.exitCode, 2);
});

test('a missing value has the text and the exit code of qsub', () => {
  const [error] = walkQsubArgs(['-l']).errors;
  assert.equal(error?.message, "qsub: option requires an argument -- 'l'");
  assert.equal(error?.details[0], '[exiting]');
  assert.equal(error?.exitCode, 2);
});

test('words with two dashes are refused', () => {
  assert.equal(walkQsubArgs(['--help']).errors[0]?.message, '[a single - is not a valid option]');
  assert.equal(walkQsubArgs(['--']).errors.length, 0);
});

test('the last value of an option counts', () => {
  const { options } = walkQsubArgs(['-N', 'a', '-Nb', '-h']);
  assert.equal(lastValue(options, 'N'), 'b');
  assert.equal(lastValue(options, 'o'), undefined);
  assert.ok(hasOption(options, 'h'));
});
