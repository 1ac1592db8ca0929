import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { directiveOptions, effectiveOptions, scanDirectives, walkQsubArgs } from '../../pbs/index.ts';
import { CommandError, exitCodeOf } from './command.ts';
import { chooseTasks } from './pbsdsh.ts';
import { signalNumber } from './qsig.ts';
import { checkAvailable } from './qsub-available.ts';
import { composeSubmission } from './qsub-submission.ts';

const env = {
  HOME: '/home/tqa',
  LOGNAME: 'tqa',
  PATH: '/usr/bin:/bin',
  SHELL: '/bin/bash',
  LANG: 'C.UTF-8',
  X: 'from env',
};

function submission(args: readonly string[], script = '', from: Readonly<Record<string, string>> = env) {
  const walk = walkQsubArgs(args);
  const { directives } = scanDirectives(Buffer.from(script));
  const fromScript = directiveOptions(directives);
  const options = effectiveOptions(walk.options, fromScript);
  return composeSubmission({
    args,
    options,
    inOrder: [...fromScript, ...walk.options],
    scriptName: 'job.sh',
    env: from,
  });
}

test('qsub hands in the variables in Torque’s order: its own, those asked for, then where it was called', () => {
  const { variables } = submission(['-v', 'A=1,X']);
  assert.deepEqual(
    variables.map(([name]) => name),
    [
      'PBS_O_QUEUE',
      'PBS_O_HOME',
      'PBS_O_LOGNAME',
      'PBS_O_PATH',
      'PBS_O_SHELL',
      'PBS_O_LANG',
      'A',
      'X',
      'PBS_O_WORKDIR',
      'PBS_O_HOST',
      'PBS_O_SERVER',
    ],
  );
  assert.equal(new Map(variables).get('X'), 'from env');
});

test('qsub -V hands in the whole environment', () => {
  const names = submission(['-V']).variables.map(([name]) => name);
  for (const name of Object.keys(env)) assert.ok(names.includes(name), name);
});

test('qsub makes output paths absolute, keeps a slash at the end, and leaves variables to the batch system', () => {
  const cwd = process.cwd();
  assert.equal(submission(['-o', 'out']).output, `${cwd}/out`);
  assert.equal(submission(['-o', 'dir/']).output, `${cwd}/dir/`);
  assert.equal(submission(['-o', 'localhost:/tmp/x']).output, '/tmp/x');
  assert.equal(submission(['-o', '$HOME/x']).output, '$HOME/x');
  assert.equal(submission(['-w', '/tmp', '-e', 'err']).error, `${cwd}/err`);
  assert.equal(submission(['-o', '/tmp']).output, '/tmp/');
});

test('qsub -d goes there: later paths and the working directory count from it', () => {
  const cwd = process.cwd();
  const { output, error, workDir, initDir, variables } = submission(['-o', 'out', '-d', '/tmp', '-e', 'err']);
  assert.deepEqual([output, error, workDir, initDir], [`${cwd}/out`, '/tmp/err', '/tmp', '/tmp']);
  assert.equal(new Map(variables).get('PBS_O_INITDIR'), '/tmp');
  assert.throws(() => submission(['-d', '']), { message: '[qsub: illegal -d value]', exitCode: 2 });
  assert.throws(() => submission(['-w', '']), { exitCode: 3 });
});

test('an output path behind a file, or too long to be one, is taken as it is', () => {
  const file = import.meta.filename;
  assert.equal(submission(['-o', `${file}/x`]).output, `${file}/x`);
  const long = `/${'x'.repeat(300)}`;
  assert.equal(submission(['-o', long]).output, long);
});

test('the working directory of a job has no symbolic links in it, its output paths have those of PWD', () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'vtorque-qsub-test-')));
  try {
    symlinkSync(process.cwd(), join(base, 'link'));
    const there = { ...env, PWD: join(base, 'link') };
    const { workDir, output } = submission(['-o', 'out'], '', there);
    assert.deepEqual([workDir, output], [process.cwd(), `${base}/link/out`]);
    symlinkSync(base, join(base, 'self'));
    const gone = submission(['-d', join(base, 'self')]);
    assert.deepEqual([gone.workDir, gone.initDir], [base, join(base, 'self')]);
  } finally {
    rmSync(base, { recursive: true });
  }
});

test('a joined stream has the path of the other one, as qsub says it to the server', () => {
  const paths = (...args: string[]) => {
    const { output, error } = submission(args);
    return [output, error];
  };
  assert.deepEqual(paths('-j', 'oe', '-o', '/o', '-e', '/e'), ['/o', '/o']);
  assert.deepEqual(paths('-j', 'eo', '-o', '/o', '-e', '/e'), ['/e', '/e']);
  assert.deepEqual(paths('-j', 'oe', '-e', '/e'), [undefined, '/e']);
});

test('qsub refuses destinations that are none, and what the server would refuse, in the same words', () => {
  for (const bad of ['@', 'a#b', 'a@b@c', 'batch ', 'a'.repeat(16), 'batch@']) {
    assert.throws(() => submission(['-q', bad]), {
      message: `qsub: illegally formed destination: ${bad}`,
      exitCode: 2,
    });
  }
  assert.throws(() => submission(['-K', '5x']), { exitCode: 168 });
  assert.throws(() => submission(['-W', 'umask=x']), { exitCode: 168 });
});

test('an empty name is "none", an empty array or argument list none at all', () => {
  const { name, array, args } = submission(['-N', '', '-t', '', '-F', '']);
  assert.deepEqual([name, array, args], ['none', undefined, undefined]);
  assert.equal(submission(['-t', '1,']).array, '1');
  assert.equal(submission(['-o', 'localhost:']).output, undefined);
});

test('qsub reads -W umask= as octal with a zero in front, as decimal without, and the command line’s wins', () => {
  assert.equal(submission(['-W', 'umask=022']).umask, '22');
  assert.equal(submission(['-W', 'umask=18']).umask, '22');
  assert.equal(submission(['-W', 'umask=027'], '#PBS -W umask=022\n').umask, '27');
});

test('qsub takes a queue with this server, and refuses another server', () => {
  assert.equal(submission(['-q', 'batch@localhost']).queue, 'batch');
  assert.throws(
    () => submission(['-q', 'batch@nohost']),
    (error: unknown) => error instanceof CommandError && error.exitCode === 162,
  );
});

test('qsub refuses by name what the embedded batch system has not', () => {
  for (const args of [
    ['-a', '1200'],
    ['-m', 'abe'],
    ['-W', 'stagein=x'],
    ['-p', '5'],
  ]) {
    assert.throws(() => checkAvailable(walkQsubArgs(args).options), CommandError, args.join(' '));
  }
  checkAvailable(
    walkQsubArgs(['-m', 'n', '-A', 'x', '-r', 'n', '-W', 'umask=022', '-I', '-x', '-z', 'job.sh']).options,
  );
});

test('signals have names with and without SIG, and numbers', () => {
  assert.equal(signalNumber('USR1'), constants.signals.SIGUSR1);
  assert.equal(signalNumber('SIGUSR1'), constants.signals.SIGUSR1);
  assert.equal(signalNumber('15'), 15);
  assert.equal(signalNumber('SIGNULL'), 0);
  for (const name of ['NOSUCH', '65', '-1', '', 'toString', 'SIGtoString'])
    assert.equal(signalNumber(name), undefined, name);
});

test('pbsdsh runs a task per slot, per host, or as often as asked', () => {
  const hosts = [
    { host: 'node1', slots: 2 },
    { host: 'node2', slots: 1 },
  ];
  const chosen = (wanted: Partial<Parameters<typeof chooseTasks>[1]>): string =>
    chooseTasks(hosts, { unique: false, ...wanted })
      .map(({ host, hostIndex, slotIndex }) => `${host}:${hostIndex}:${slotIndex}`)
      .join(' ');
  assert.equal(chosen({}), 'node1:0:0 node1:0:1 node2:1:2');
  assert.equal(chosen({ unique: true }), 'node1:0:0 node2:1:2');
  assert.equal(chosen({ host: 'node2' }), 'node2:1:2');
  assert.equal(chosen({ slot: 1 }), 'node1:0:1');
  assert.equal(chosen({ copies: 4 }), 'node1:0:0 node1:0:1 node2:1:2 node1:0:0');
  assert.throws(() => chosen({ host: 'node9' }), CommandError);
  assert.throws(() => chosen({ slot: 3 }), CommandError);
});

test('a command never ends with 0 for an error', () => {
  for (let code = 15_000; code < 15_300; code++) assert.notEqual(exitCodeOf(code), 0);
});
