import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveOptions, walkQsubArgs } from '../../pbs/index.ts';
import { interactiveCommand } from './interactive.ts';
import { slotsOfJob } from './slots.ts';

const interactive = (...argv: string[]) =>
  interactiveCommand(
    {
      options: effectiveOptions(walkQsubArgs(argv).options, []),
      ...{ scriptName: 'STDIN', directory: '/data', home: '/home/u', host: 'login', isDirectory: () => false },
      env: { HOME: '/home/u', PATH: '/opt/slurm/bin:/bin', EDITOR: 'ed', SLURM_CONF: '/etc/slurm.conf' },
    },
    ['/opt/launch'],
  );

test('an interactive job asks salloc for what a batch job asks sbatch for, but for its files', () => {
  const { command, env } = interactive('-N', 'x', '-l', 'nodes=2:ppn=4', '-q', 'fast', '-o', 'log', '-v', 'A=x y');
  const words = command.slice(command.indexOf('salloc') + 1, command.indexOf('sh'));
  const nodes = ['--nodes=2', '--ntasks-per-node=4'];
  assert.deepEqual(words, ['--job-name=x', '--chdir=/home/u', '--partition=fast', ...nodes]);
  assert.equal(command.at(-1), '/opt/launch');
  assert.deepEqual(
    [env?.A, env?.PATH, env?.EDITOR, env?.SLURM_CONF, env?.PBS_ENVIRONMENT],
    ['x y', '/opt/slurm/bin:/bin', undefined, '/etc/slurm.conf', 'PBS_INTERACTIVE'],
  );
});

test('what an interactive job cannot have in Slurm is refused', () => {
  assert.throws(() => interactive('-X'), { code: 'E_NOT_ON_SLURM', message: /-X with -I/ });
  assert.throws(() => interactive('-r', 'y'), { code: 'E_NOT_ON_SLURM', message: /-r y with -I/ });
  assert.throws(() => interactive('-W', 'umask=022'), { code: 'E_NOT_ON_SLURM' });
  assert.deepEqual(interactive('-r', 'n').command, interactive().command);
});

/** What the user reads on standard output, and on standard error. */
function read(...lines: string[]): [string, string] {
  const { inWords } = interactive();
  const said = lines.map((line) => inWords?.(line) ?? assert.fail());
  const on = (stream: string): string => said.flatMap(({ to, text }) => (to === stream ? text : [])).join('');
  return [on('stdout'), on('stderr')];
}

test('what salloc says of a job is said in the words of qsub -I, once', () => {
  const ready = 'qsub: waiting for job 7 to start\nqsub: job 7 ready\n\n';
  const waiting = ['salloc: Pending job allocation 7', 'salloc: job 7 queued and waiting for resources'];
  const granted = 'salloc: Granted job allocation 7';
  assert.deepEqual(read(granted), [ready, '']);
  assert.deepEqual(read(...waiting, 'salloc: job 7 has been allocated resources', granted), [ready, '']);
  const end = ['srun: error: n1: task 0: Exited with exit code 7', 'salloc: Relinquishing job allocation 7'];
  const late = 'salloc: Job allocation 7 has been revoked.';
  assert.deepEqual(read(...end, late), ['\nqsub: job 7 completed\n', '']);
});

test('what goes wrong is said in the words of Slurm', () => {
  const lines = [
    'salloc: error: Job submit/allocate failed: Invalid node name specified',
    'salloc: Job allocation 7 has been revoked.',
    'srun: error: n1: task 0: Killed',
    'what a program says',
  ];
  assert.deepEqual(read(...lines), ['', lines.map((line) => `${line}\n`).join('')]);
});

test('a job knows its slots on all its nodes, and not those of the job that it was submitted from', () => {
  assert.equal(slotsOfJob({ SLURM_JOB_ID: '7', VTORQUE_SLURM_SLOTS: '7:2(x3)' }), '2(x3)');
  assert.equal(slotsOfJob({ SLURM_JOB_ID: '8', VTORQUE_SLURM_SLOTS: '7:2(x3)' }), undefined);
  assert.equal(slotsOfJob({ SLURM_JOB_ID: '7' }), undefined);
});
