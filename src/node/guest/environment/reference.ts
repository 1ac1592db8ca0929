import { vmVariableRows } from './vm-variables.ts';

/** Those that batch systems set, as Torque 6.1 does; others of PBS_ and SLURM_ come along in the same way. */
const ofBatchSystems: readonly (readonly [name: string, doc: string])[] = [
  ['PBS_JOBID', 'Id of the job; of an element of an array its own'],
  ['PBS_JOBNAME', 'Name of the job'],
  ['PBS_QUEUE', 'Queue in which it runs'],
  ['PBS_ENVIRONMENT', '`PBS_BATCH` or `PBS_INTERACTIVE`'],
  ['ENVIRONMENT', '`BATCH`'],
  ['PBS_WALLTIME', 'Seconds that the job may take'],
  ['PBS_TASKNUM', 'Number of the task, as on the node'],
  ['PBS_VERSION', 'Version of the batch system'],
  [
    'PBS_GPUFILE, PBS_MICFILE',
    'Paths of files that list GPUs and Xeon Phis: a VM has none, so the files are there and empty',
  ],
  [
    'PBS_O_HOME, PBS_O_HOST, PBS_O_LANG, PBS_O_LOGNAME, PBS_O_MAIL, PBS_O_PATH, PBS_O_QUEUE, PBS_O_SERVER, PBS_O_SHELL, PBS_O_WORKDIR',
    'Where and by whom the job was submitted, as far as it was set there',
  ],
  ['HOME, LOGNAME, SHELL, USER, LANG, LC_*, TZ', 'As in a job on the node'],
  ['TMPDIR', '`/tmp`, which goes with the VM; only where the batch system sets it'],
];

/** The reference part of docs/environment.md, from the tables. */
export function environmentReference(): string {
  const table = (rows: readonly (readonly [string, string])[]): string[] => [
    '| variable | what it is |',
    '|---|---|',
    ...rows.map(
      ([names, doc]) =>
        `| ${names
          .split(', ')
          .map((name) => `\`${name}\``)
          .join(' ')} | ${doc} |`,
    ),
    '',
  ];
  return [
    '### True of the VM',
    '',
    'Set in each VM; what `-v`, `-V` or `env=` say of them does not count.',
    '',
    ...table(vmVariableRows.map(({ name, doc }) => [name, doc])),
    '### Of the job',
    '',
    'As the batch system has set them on the node, where it does.',
    '',
    ...table(ofBatchSystems),
  ].join('\n');
}
