import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../../base/index.ts';
import { walkQsubArgs } from '../../pbs/index.ts';
import { readCommandLine } from './command-line.ts';
import { ownWords } from './own-options.ts';
import { readScriptRequests } from './script-requests.ts';

const requests = (script: string, prefix = '#PBS') =>
  readScriptRequests(Buffer.from(script), prefix).map(({ value, origin }) => [value, 'line' in origin && origin.line]);

test('what is ours is taken out, everything else stays in its order', () => {
  const { qsubArgv, vmValues, look, json } = readCommandLine([
    '-N',
    'a b',
    '-vm',
    'img=host',
    '-l',
    'nodes=1',
    'job.sh',
    '-vm',
    'ram=1G',
    '-h',
    '--json',
  ]);
  assert.deepEqual(qsubArgv, ['-N', 'a b', '-l', 'nodes=1', 'job.sh', '-h']);
  assert.deepEqual(vmValues, ['img=host', 'ram=1G']);
  assert.deepEqual(look.script, { text: 'job.sh', at: 4 });
  assert.ok(json);
});

test('a word that is the value of an option of qsub is not ours', () => {
  assert.deepEqual(readCommandLine(['-N', '-vm', 'job.sh']).qsubArgv, ['-N', '-vm', 'job.sh']);
  assert.deepEqual(readCommandLine(['-N', '--help', 'job.sh']).help, false);
  assert.deepEqual(readCommandLine(['-v', 'm', '-vmx=1', '--', '-vm']).qsubArgv, ['-v', 'm', '-vmx=1', '--', '-vm']);
});

test('no argument list crashes it, and no word of qsub is lost or altered', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '-vm',
      '--json',
      '--help',
      '-N',
      '-h',
      '-hN',
      '-l',
      '-C',
      '--',
      '-',
      '',
      'job.sh',
      'img=host',
      '-vm=img=host',
    ),
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.string({ maxLength: 4 }).map((text) => `-${text}`),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (argv) => {
      try {
        const { qsubArgv } = readCommandLine(argv);
        // Put ours back where they stood: that must be the list we began with.
        const restored = [...qsubArgv];
        for (const { name, value, at } of walkQsubArgs(argv, { own: ownWords }).own) {
          restored.splice(at, 0, ...(value === undefined ? [name] : [name, value]));
        }
        assert.deepEqual(restored, argv);
      } catch (error) {
        assert.ok(error instanceof VtorqueError && error.hint, String(error));
      }
    }),
    { numRuns: 20_000 },
  );
});

test('-vm without a value is refused', () => {
  assert.throws(() => readCommandLine(['job.sh', '-vm']), {
    code: 'E_VM_SYNTAX',
    exitCode: 2,
    message: 'Cannot read "-vm": its value is missing',
  });
});

test('-vm=img=host, which qsub would take for a variable, is refused with the right form', () => {
  assert.throws(() => readCommandLine(['-vm=img=host,ram=1G', 'job.sh']), {
    exitCode: 2,
    hint: 'Write -vm img=host,ram=1G',
  });
  assert.deepEqual(readCommandLine(['-vm=5', 'job.sh']).vmValues, []);
});

test('what would be done can be asked for, anywhere among the options', () => {
  const { explain, dryRun, qsubArgv } = readCommandLine(['-N', 'x', '--explain', 'job.sh', '-gf']);
  assert.deepEqual({ explain, dryRun, qsubArgv }, { explain: true, dryRun: true, qsubArgv: ['-N', 'x', 'job.sh'] });
  assert.equal(readCommandLine(['-N', '--dry-run', 'job.sh']).dryRun, false);
});

test('requests in a script stand in directives and in lines of their own', () => {
  const script = `#!/bin/sh
#PBS -N x -vm img=host -l nodes=1
#VSUB -vm ram=2G
#VSUB vcpus=2 ram=3G # why
#PBS -vm "vcpus=1, ram=4G"
#VSUBMIT is another word
# VSUB ram=9G
echo
#PBS -vm img=late
`;
  assert.deepEqual(requests(script), [
    ['img=host', 2],
    ['ram=2G', 3],
    ['vcpus=2', 4],
    ['ram=3G', 4],
    ['vcpus=1, ram=4G', 5],
  ]);
});

test('requests follow the directive prefix', () => {
  assert.deepEqual(requests('#VM -vm img=a\n#PBS -vm img=b\n', '#VM'), [['img=a', 1]]);
  assert.deepEqual(requests('#VSUB -vm img=a -N x\n', '#VSUB'), [['img=a', 1]]);
  assert.deepEqual(requests('#PBS -vm img=a\n#VSUB img=b\n', ''), [['img=b', 2]]);
});

test('requests that cannot be read name their line', () => {
  const refused = (script: string, message: string): void =>
    assert.throws(() => requests(script), { exitCode: 2, message, details: ['in line 2 of the script'] });
  refused('#!/bin/sh\n#PBS -vm\n', 'Cannot read "-vm": its value is missing');
  refused('#!/bin/sh\n#PBS -vm=ram=1G\n', 'Cannot read "-vm=ram=1G": -vm and its value are two words');
  refused('#!/bin/sh\n#VSUB -N x\n', 'Cannot read "#VSUB -N x": not a VM request');
});
