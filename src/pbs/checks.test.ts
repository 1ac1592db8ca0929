import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../base/index.ts';
import { checkAsQsub, checkCombinations } from './checks.ts';
import { scanDirectives } from './directives.ts';
import { directiveOptions, effectiveOptions } from './effective.ts';
import { firstLook } from './script-word.ts';
import { word } from './test-words.ts';
import { walkQsubArgs } from './walk.ts';

function check(argv: readonly string[], script = ''): void {
  checkAsQsub(scanDirectives(Buffer.from(script)), walkQsubArgs(argv), firstLook(argv).script);
}

function refused(argv: readonly string[], message: string, exitCode: number, script = ''): void {
  assert.throws(() => check(argv, script), { code: 'E_QSUB', message, exitCode }, argv.join(' '));
}

test('the first complaint is the one of qsub: the script line by line, then the command line', () => {
  refused(['-Z', 'd.sh'], '[qsub: illegal -j value]', 2, '#PBS -j xx\n');
  refused(['-j', 'xx', '-k', 'xx'], '[qsub: illegal -j value]', 2);
  refused(['-k', 'xx', '-Z'], '[qsub: illegal -k value]', 2);
  refused(['-Z', '-k', 'xx'], "qsub: invalid option -- 'Z'", 2);
  refused(['-Z'], '[qsub: illegal -k value]', 2, '#PBS -k xx\n#PBS -A "\n');
  refused(['-l', 'foo'], "Cannot find an attr=value pair in comma separated value 'foo'", 1);
  refused(['-v', '=1', '-Z'], 'invalid -v syntax', 3);
  refused(['-N', 'good', 'd.sh'], '[qsub: illegal -N value]', 2, "#PBS -N 'bad name'\n");
});

test('qsub takes one word that is no option, whichever of them it takes for the script', () => {
  refused(['ok.sh', 'a'], '[index issues]', 2);
  refused(['-h', '--', 'ok.sh', 'a'], '[index issues]', 2);
  refused(['-', 'ok.sh'], '[index issues]', 2);
  check(['-hC', '#X', 'd.sh']);
  check(['-I', '-x', 'ok.sh', 'a']);
});

test('-x needs -I in front of it, and something to run', () => {
  refused(['-x', 'ok.sh'], "[qsub: '-x' invalid on non-interactive job]", 2);
  refused(['-x', '-I', 'ok.sh'], "[qsub: '-x' invalid on non-interactive job]", 2);
  refused(['-I', '-x'], "[qsub: '-x' used without a script specified]", 2);
  check(['-x', 'ok.sh'], '#PBS -I\n');
});

test('options of ours in directives are passed over', () => {
  const scan = scanDirectives(Buffer.from('#PBS -vm img=host\n'));
  checkAsQsub(scan, walkQsubArgs(['-I']), undefined, { own: { '-vm': 'value' } });
});

test('-J needs -P in the same place', () => {
  refused(['-J', '1', 'ok.sh'], '[The -J option can only be used in conjunction with -P]', 2);
  refused(['-P', 'a'], '[The -J option can only be used in conjunction with -P]', 2, '#PBS -J 1\n');
  check(['-J', '1', '-P', 'a', 'ok.sh']);
});

test('attributes that qsub looks at itself', () => {
  refused(['-W', 'umask=1234'], '[qsub: Invalid umask value, too many digits: 1234]', 2);
  refused(['-W', 'interactive=false'], '[qsub: illegal -W value]', 2);
  refused(['-W', 'job_radix=1'], '[qsub: illegal -W. job_radix must be >= 2]', 2);
  refused(['-W', 'job_radix=x'], '[qsub: illegal -W value for job_radix]', 2);
  refused(['-W', 'fault_tolerant=1'], '[qsub: invalid fault_tolerant value: 1]', 2);
  refused(['-W', 'stagein=x'], '[qsub: illegal -W value for stagein]', 2);
  check(['-W', '', '-W', 'umask=0022', '-W', 'x', '-W', 'stageout=/a@h:/b', '-W', 'job_radix=4']);
});

test('a colon in a path stands behind the name of a host', () => {
  refused(['-o', 'ho st:/x'], '[qsub: illegal -o value]', 2);
  refused(['-o', ' x'], '[qsub: illegal -o value]', 2);
  check(['-o', 'host:/x', '-e', '/a:b']);
  check(['-o', ':x', '-e', 'a:b:c']);
});

test('a list of checkpoint options has no blanks behind its commas', () => {
  refused(['-c', 'enabled, shutdown'], '[qsub: illegal -c value]', 2);
  check(['-c', ' enabled,interval =5']);
});

test('what qsub does not take together', () => {
  const together = (argv: string[], script = ''): void => {
    const { directives } = scanDirectives(Buffer.from(script));
    checkCombinations(effectiveOptions(walkQsubArgs(argv).options, directiveOptions(directives)));
  };
  const mixed = { message: 'qsub: Jobs may not mix -l nodes with -l size or -l ncpus', exitCode: 4 };
  assert.throws(() => together(['-l', 'nodes=1,ncpus=2']), mixed);
  assert.throws(() => together(['-l', 'nodes=1'], '#PBS -l ncpus=2\n'), mixed);
  assert.throws(() => together(['-l', 'mppwidth=2,size=1']), {
    message: 'qsub: Specifying -l size is incompatible with specifying -l mppwidth',
  });
  assert.throws(() => together(['-L', 'tasks=1', '-l', 'nodes=1']), {
    exitCode: 4,
    message: /cannot combine -L with -l nodes/,
  });
  assert.throws(() => together(['-L', 'tasks=1', '-l', 'mem=1gb']), {
    exitCode: 4,
    message: /cannot combine -L with -l memory/,
  });
  assert.throws(() => together(['-i', '1']), { exitCode: 4, message: /can only be applied to array jobs/ });
  together(['-i', '1', '-t', '1-3', '-l', 'nodes=1,walltime=5']);
});

test('no command line and no script crash the checks', () => {
  const line = fc.oneof(
    fc.array(word, { maxLength: 5 }).map((words) => `#PBS ${words.join(' ')}`),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  const script = fc.array(line, { maxLength: 4 }).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), script, (argv, text) => {
      try {
        check(argv, text);
      } catch (error) {
        assert.ok(error instanceof VtorqueError && error.code === 'E_QSUB', String(error));
      }
    }),
    { numRuns: 100_000 },
  );
});
