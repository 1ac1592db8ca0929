import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../base/index.ts';
import { checkScriptText, directiveOptions, scanDirectives } from '../pbs/index.ts';
import { composeLauncherScript, type LauncherScriptOptions, readSubmission } from './submission.ts';

const base: Omit<LauncherScriptOptions, 'script'> = {
  installRoot: '/opt/vtorque',
  request: { img: 'host', vcpus: 2, ram: 2 ** 30 },
  scriptName: 'job.sh',
  variables: { names: ['A'], all: false },
};

function compose(script: string | Uint8Array, options: Partial<LauncherScriptOptions> = {}): Buffer {
  return composeLauncherScript({ ...base, ...options, script: Buffer.from(script) });
}

/** The lines before the launcher's command. */
function head(launcher: Buffer): string[] {
  const lines = launcher.toString('latin1').split('\n');
  return lines.slice(
    2,
    lines.findIndex((line) => line.startsWith("exec '")),
  );
}

const damaged = { code: 'E_SUBMISSION_DAMAGED', phase: 'submit' };

test('the launcher script has the directives, one command, the header and the script', () => {
  const script = '#!/bin/bash\n#PBS -N foo\n# a comment\n#PBS -vm img=host\necho "$0"\n';
  const lines = compose(script).toString().split('\n');
  assert.equal(lines[0], '#!/bin/sh');
  assert.match(lines[1] ?? '', /^# This job runs/);
  assert.equal(lines[2], '#PBS -N foo');
  assert.equal(lines[3], `exec '/opt/vtorque/libexec/vtorque-launch' "$0" "$@"`);
  assert.match(lines[4] ?? '', /^#vtorque-submission [0-9a-f]{64} \{"version":2,/);
  assert.equal(lines.slice(5).join('\n'), script);
});

test('any script comes back byte for byte', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ maxLength: 300 }).map((text) => Buffer.from(`${text}\n`)),
    fc
      .array(fc.constantFrom('#PBS -N x', '#vtorque-submission x', "exec '", 'a\r', '', '\0'))
      .map((l) => Buffer.from(l.join('\n'))),
  );
  fc.assert(
    fc.property(bytes, (script) => {
      const read = readSubmission(composeOrSkip(script));
      assert.deepEqual(Buffer.from(read.script), Buffer.from(script));
      assert.deepEqual(read.request, base.request);
    }),
    { numRuns: 5000 },
  );
});

/** Scripts that qsub refuses have no launcher script: continued directives that never end. */
function composeOrSkip(script: Uint8Array, options: Partial<LauncherScriptOptions> = {}): Buffer {
  try {
    return compose(script, options);
  } catch (error) {
    assert.ok(error instanceof VtorqueError && error.code === 'E_QSUB');
    fc.pre(false);
    throw error;
  }
}

test('large scripts, long lines and every byte come back', () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  for (const script of [every, Buffer.alloc(3_000_000, 'x'), Buffer.alloc(100_000, 'ab\n'), Buffer.alloc(0)]) {
    assert.ok(script.equals(readSubmission(compose(script)).script));
  }
});

test('everything else comes back, too', () => {
  const options = { shell: '/bin/bash', scriptName: 'jöb "x".sh', variables: { names: ['A', 'Ü'], all: true } };
  const read = readSubmission(compose('echo\n', options));
  assert.equal(read.version, 2);
  assert.equal(read.shell, options.shell);
  assert.equal(read.scriptName, options.scriptName);
  assert.deepEqual(read.variables, options.variables);
  assert.equal('shell' in readSubmission(compose('echo\n')), false);
});

test('hooks come back byte for byte behind any script', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const script = fc.oneof(bytes, fc.constant(Buffer.from('#!/bin/sh\necho hello\n')));
  fc.assert(
    fc.property(script, bytes, bytes, (text, before, after) => {
      const hook = (content: Uint8Array, where: 'all' | 'first') => ({
        ...{ name: 'häuk', where, base64: Buffer.from(content).toString('base64') },
      });
      const hooks = { vm_prologue: hook(before, 'all'), vm_epilogue: hook(after, 'first') };
      const job = { resources: 'nodes=1:ppn=2,walltime=10', account: 'acc' };
      const launcher = composeOrSkip(text, { hooks, job });
      const read = readSubmission(launcher);
      assert.deepEqual([Buffer.from(read.script), read.hooks, read.job], [Buffer.from(text), hooks, job]);
      checkScriptText(launcher);
    }),
    { numRuns: 2000 },
  );
});

test('a hook that is cut or altered is noticed', () => {
  const hooks = {
    vm_prologue: { name: 'p', where: 'all' as const, base64: Buffer.from('#!/bin/sh\n').toString('base64') },
  };
  for (const script of ['echo\n', 'no end']) {
    const launcher = compose(script, { hooks });
    assert.throws(() => readSubmission(launcher.subarray(0, launcher.length - 6)), damaged);
    const altered = Buffer.from(launcher);
    altered[launcher.length - 8] = (altered[launcher.length - 8] ?? 0) ^ 1;
    assert.throws(() => readSubmission(altered), damaged);
  }
});

test('an altered byte in the header or the script is noticed', () => {
  const from = (launcher: Buffer): number => launcher.indexOf('#vtorque-submission');
  const script = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 100 }),
    fc.constant(Buffer.from('#!/bin/sh\necho hello\n')),
  );
  fc.assert(
    fc.property(script, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, where, change) => {
      const launcher = composeOrSkip(bytes);
      const original = Buffer.from(launcher);
      const at = from(launcher) + (where % (launcher.length - from(launcher)));
      launcher[at] = (launcher[at] ?? 0) ^ change;
      try {
        // Bits that base64 does not use, or another kind of line end, may change: the script is the same.
        assert.deepEqual(readSubmission(launcher), readSubmission(original));
      } catch (error) {
        // Of the version number alone nobody can tell.
        assert.ok(error instanceof VtorqueError && /^E_SUBMISSION_(DAMAGED|VERSION)$/.test(error.code), String(error));
      }
    }),
    { numRuns: 5000 },
  );
});

test('a cut is noticed wherever it is', () => {
  for (const script of ['#!/bin/sh\necho hello\n', 'no end']) {
    const launcher = compose(script);
    for (let length = 0; length < launcher.length - 1; length++) {
      assert.throws(() => readSubmission(launcher.subarray(0, length)), damaged, `cut to ${length}`);
    }
  }
});

test('lines that somebody adds before and behind do no harm', () => {
  for (const script of ['echo hello\n', 'no end']) {
    const text = compose(script).toString();
    const filtered = `${text.replace('#!/bin/sh\n', '#!/bin/sh\n#PBS -W x=y\n')}\n# added\n`;
    assert.equal(Buffer.from(readSubmission(Buffer.from(filtered)).script).toString(), script);
  }
});

test('a file that is no launcher script is refused', () => {
  assert.throws(() => readSubmission(Buffer.from('#!/bin/sh\necho\n')), damaged);
  assert.throws(() => readSubmission(Buffer.alloc(0)), damaged);
});

test('a submission of another version is refused as such', () => {
  const text = compose('echo\n').toString().replace('"version":2', '"version":7');
  assert.throws(() => readSubmission(Buffer.from(text)), { code: 'E_SUBMISSION_VERSION' });
});

test('only directives of the head are taken over, as qsub would read them', () => {
  const script = [
    '#!/bin/bash',
    '',
    ' #PBS -N a   # why',
    '#PBS -l nodes=1 \\',
    '#PBS -l mem=1gb',
    '# PBS -A none',
    '#VSUB -vm ram=1G',
    'echo',
    '#PBS -N late',
    '',
  ].join('\n');
  assert.deepEqual(head(compose(script)), [' #PBS -N a   # why', '#PBS -l nodes=1 #PBS -l mem=1gb']);
});

test('our option is taken out of a directive, the rest keeps its meaning', () => {
  const own = { '-vm': 'value' } as const;
  const options = (script: Uint8Array) =>
    directiveOptions(scanDirectives(script).directives, { own }).map(({ name, value }) => [name, value]);
  const word = fc.oneof(
    fc.constantFrom(
      '-h',
      '-N',
      '-vm',
      'img=host',
      '-l',
      'nodes=1',
      '-A',
      '"a b"',
      "'c d'",
      'e\\ f',
      '--',
      '-V',
      '#x',
      '-v',
      '"\\"',
    ),
    fc.string({ unit: fc.constantFrom('a', 'ä', '-', '"', "'", '\\', ' ', '='), maxLength: 5 }),
  );
  const line = fc.array(word, { maxLength: 8 }).map((words) => `#PBS ${words.join(' ')}`);
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
      const script = Buffer.from(`#!/bin/sh\n${lines.join('\n')}\necho\n`);
      const launcher = composeOrSkip(script);
      assert.deepEqual(options(launcher), options(script));
      const { directives } = scanDirectives(launcher);
      assert.ok(!directives.some(({ words }) => words[0] === '-vm'));
    }),
    { numRuns: 10_000 },
  );
});

test('a changed prefix is honoured', () => {
  const script = '#!/bin/sh\n#VM -N vm -vm img=host\n#PBS -N pbs\necho\n';
  assert.deepEqual(head(compose(script, { prefix: '#VM' })), ['#VM -N vm']);
  assert.deepEqual(head(compose(script, { prefix: '' })), []);
});

test('directives behind a prefix that is no comment are seen by qsub, not by sh', () => {
  const launcher = compose('QSUB -N x\nQSUB -A y\necho\n', { prefix: 'QSUB' });
  assert.deepEqual(head(launcher), [": <<'VTORQUE_DIRECTIVES'", 'QSUB -N x', 'QSUB -A y', 'VTORQUE_DIRECTIVES']);
  assert.deepEqual(
    scanDirectives(launcher, 'QSUB').directives.map(({ words }) => words),
    [
      ['-N', 'x'],
      ['-A', 'y'],
    ],
  );
});

test('a prefix that is the beginning of our command is refused', () => {
  assert.throws(() => compose('exec -N x\n', { prefix: 'exec' }), { code: 'E_DIRECTIVE_PREFIX', exitCode: 2 });
});

test('a prefix of all comments finds no option in ours', () => {
  assert.deepEqual(directiveOptions(scanDirectives(compose('echo\n', { prefix: '#' }), '#').directives), []);
});

test('the launcher script passes qsub: ASCII at the start, no DOS line ends, whatever the script', () => {
  for (const script of ['\0\x01ä\r\n', '#!/bin/sh\r\n#PBS -N x\r\necho\r\n', '#PBS -N ä\n'])
    checkScriptText(compose(script));
});

test('a directive that never ends is refused before it is submitted', () => {
  assert.throws(() => compose('#PBS -N x \\\n'), { code: 'E_QSUB', exitCode: 1 });
});

test('an installation with blanks and quotes in its path is quoted for sh', () => {
  const lines = compose('echo\n', { installRoot: "/opt/it's here" }).toString().split('\n');
  assert.equal(lines[2], `exec '/opt/it'\\''s here/libexec/vtorque-launch' "$0" "$@"`);
  assert.equal(
    Buffer.from(readSubmission(compose('echo\n', { installRoot: "/opt/it's" })).script).toString(),
    'echo\n',
  );
});
