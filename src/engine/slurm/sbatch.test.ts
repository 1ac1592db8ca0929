import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveOptions, qsubOptions, walkQsubArgs } from '../../pbs/index.ts';
import { knownLetters, sbatchCall } from './sbatch.ts';

const call = (...argv: string[]) =>
  sbatchCall({
    options: effectiveOptions(walkQsubArgs(argv).options, []),
    scriptName: 'job.sh',
    env: {
      HOME: '/home/u',
      PATH: '/bin',
      USER: 'u',
      EDITOR: 'ed',
      SLURM_CONF: '/etc/slurm.conf',
      SLURM_EXPORT_ENV: 'A',
    },
    directory: '/data',
    home: '/home/u',
    host: 'login',
    isDirectory: (path) => path.endsWith('/dir'),
  });

/** What a job adds to those without any option. */
function added(...argv: string[]): string[] {
  const usual = new Set(call().args);
  return call(...argv).args.filter((word) => !usual.has(word));
}

const refused = (argv: readonly string[], message: RegExp): void =>
  assert.throws(() => call(...argv), { code: 'E_NOT_ON_SLURM', exitCode: 1, message });

test('a job without options begins at home and has its outputs where it was submitted, as in PBS', () => {
  assert.deepEqual(call().args, [
    ...['--parsable', '--ignore-pbs', '--output=/data/job.sh.o%j', '--error=/data/job.sh.e%j'],
    ...['--job-name=job.sh', '--chdir=/home/u'],
    ...['--export=ALL', '--get-user-env'],
  ]);
});

test('nodes and slots are those of each node', () => {
  assert.deepEqual(added('-l', 'nodes=2:ppn=4'), ['--nodes=2', '--ntasks-per-node=4']);
  assert.deepEqual(added('-l', 'nodes=1:ppn=2:big:gpus=1'), [
    ...['--nodes=1', '--ntasks-per-node=2', '--constraint=big', '--gpus-per-node=1'],
  ]);
  assert.deepEqual(added('-l', 'nodes=n1:ppn=2+n3:ppn=2'), ['--nodes=2', '--ntasks-per-node=2', '--nodelist=n1,n3']);
  refused(['-l', 'nodes=2:ppn=2+1:ppn=4'], /parts of -l nodes= that differ/);
  refused(['-l', 'nodes=1:mics=1'], /"mics=1" in -l nodes=/);
  assert.throws(() => call('-l', 'nodes=1:big%x'), { code: 'E_QSUB', exitCode: 168 });
});

test('memory is that of the whole job and shared out among its nodes', () => {
  assert.deepEqual(added('-l', 'mem=1gb'), ['--mem=1024M']);
  assert.deepEqual(added('-l', 'mem='), []);
  assert.deepEqual(added('-l', 'nodes=2,mem=1gb'), ['--nodes=2', '--ntasks-per-node=1', '--mem=512M']);
});

test('times have all their parts, since Slurm takes a bare number for minutes', () => {
  assert.deepEqual(added('-l', 'walltime=90'), ['--time=00:01:30']);
  assert.deepEqual(added('-l', 'walltime=1:00:00:00'), ['--time=24:00:00']);
});

test('further options have their counterparts', () => {
  assert.deepEqual(added('-h', '-q', 'fast', '-A', 'x', '-p', '-5', '-r', 'n', '-m', 'ae'), [
    '--account=x',
    '--hold',
    '--mail-type=FAIL,END',
    '--nice=5',
    '--partition=fast',
    '--no-requeue',
  ]);
  assert.deepEqual(added('-a', '202612312359.30'), ['--begin=2026-12-31T23:59:30']);
  assert.deepEqual(added('-a', '2359'), ['--begin=23:59:00']);
  assert.deepEqual(added('-W', 'depend=afterok:7:8,afterany:9_1'), ['--dependency=afterok:7:8,afterany:9_1']);
  assert.deepEqual(added('-l', 'naccesspolicy=singlejob'), ['--exclusive']);
});

test('elements of an array have files of their own', () => {
  assert.deepEqual(added('-t', '1-3,7%2'), [
    ...['--output=/data/job.sh.o%A-%a', '--error=/data/job.sh.e%A-%a', '--array=1-3,7%2'],
  ]);
});

test('output files are where qsub would put them', () => {
  assert.deepEqual(added('-j', 'oe', '-o', 'log'), ['--output=/data/log']);
  assert.deepEqual(added('-j', 'eo'), ['--output=/data/job.sh.e%j']);
  assert.deepEqual(added('-o', 'dir'), ['--output=/data/dir/job.sh.o%j']);
  assert.deepEqual(added('-o', '/a/100%/$PBS_JOBID.out'), ['--output=/a/100%%/%j.out']);
  assert.deepEqual(added('-k', 'oe'), ['--output=/home/u/job.sh.o%j', '--error=/home/u/job.sh.e%j']);
  assert.deepEqual(added('-d', 'sub'), [
    '--output=/data/sub/job.sh.o%j',
    '--error=/data/sub/job.sh.e%j',
    '--chdir=/data/sub',
  ]);
  assert.equal(call('-w', '/other').env.PBS_O_WORKDIR, '/other');
  refused(['-o', 'host:/x'], /-o host:\/x/);
});

test('variables keep their values whatever is in them, and nothing else of the environment is exported', () => {
  const { env } = call('-v', 'A=x y,B');
  assert.deepEqual([env.A, env.B], ['x y', '']);
  assert.deepEqual([env.EDITOR, env.PATH, env.SLURM_EXPORT_ENV], [undefined, undefined, undefined]);
  assert.deepEqual([env.SLURM_CONF, env.PBS_O_PATH, env.PBS_O_WORKDIR], ['/etc/slurm.conf', '/bin', '/data']);
  const all = call('-V', '-v', 'A=1');
  assert.deepEqual([all.env.EDITOR, all.env.PATH, all.env.A], ['ed', '/bin', '1']);
  assert.ok(!all.args.includes('--get-user-env'));
});

test('what has no counterpart is refused and not dropped', () => {
  refused(['-l', 'cput=5'], /-l cput=5/);
  refused(['-l', 'other=x'], /-l other=x/);
  refused(['-W', 'umask=022'], /-W umask=022/);
  refused(['-W', 'depend=before:7'], /-W depend=before:7/);
  refused(['-W', 'depend=afterok:7.server'], /-W depend/);
  refused(['-T', 'vm'], /-T vm/);
  refused(['-p', '5'], /-p 5/);
  refused(['-q', 'a@b'], /-q a@b/);
  refused(['-a', '311200'], /-a 311200/);
});

test('every option of qsub is translated, refused, or said elsewhere', () => {
  const known = knownLetters();
  assert.deepEqual(
    qsubOptions.map(({ letter }) => letter).filter((letter) => !known.has(letter)),
    [],
  );
});
