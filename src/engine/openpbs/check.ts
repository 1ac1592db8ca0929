import { VtorqueError } from '../../base/index.ts';
import { walkQsubArgs } from '../../pbs/index.ts';
import type { JobDescription } from '../engine.ts';

/** Options of Torque's qsub that OpenPBS's does not have, with what does the same there. `-x` is vsub's own business. */
const MISSING: Readonly<Record<string, string>> = {
  b: 'Leave it out',
  d: 'A job starts in your home directory: begin the script with cd "$PBS_O_WORKDIR", or with another directory',
  D: 'Leave it out, or begin the script with cd and the directory',
  E: 'Ask for whole nodes with -l place=excl',
  F: 'Write the words into the script, or hand them over as a variable: -v NAME=VALUE',
  i: 'Write the limit behind the range of the array: -J 1-10%2',
  K: 'Leave it out: the time between TERM and KILL is kill_delay of the queue',
  n: 'Ask for whole nodes with -l place=excl',
  t: 'Write -J 1-10, -J 1-10:2 or -J 1-10%2; PBS_ARRAY_INDEX is the number of an element',
  T: 'Leave it out',
  w: 'Give the paths of the output files with -o and -e',
};

/** Resources that Torque's schedulers know. */
const MISSING_RESOURCES: Readonly<Record<string, string>> = {
  procs: 'Say on how many nodes: -l select=1:ncpus=4',
  gres: 'Ask for the resource by its name at this site, in -l select=1:ncpus=1:NAME=COUNT',
  naccesspolicy: 'Ask for whole nodes with -l place=excl',
  feature: 'Ask for the resource by its name at this site, in -l select=1:ncpus=1:NAME=VALUE',
};

/**
 * Refuse by name what OpenPBS's qsub lacks or misreads in a job that vsub has made. Pure.
 * @throws VtorqueError `E_NOT_ON_OPENPBS`
 */
export function checkForOpenPbs({ argv, options }: Pick<JobDescription, 'argv' | 'options'>): void {
  for (const [letter, hint] of Object.entries(MISSING)) {
    if (options.has(letter)) throw notOnOpenPbs(`-${letter}`, hint);
  }
  for (const [name, hint] of Object.entries(MISSING_RESOURCES)) {
    if (options.resources.has(name)) throw notOnOpenPbs(`-l ${name}=`, hint);
  }
  // The words behind it would be run on the node in place of the launcher.
  if (!options.interactive && walkQsubArgs(argv).endOfOptions !== undefined) {
    throw new VtorqueError('E_JOB_KIND_UNAVAILABLE', 'Cannot run "-- COMMAND" in a VM: it is no script', {
      hint: "Hand the command in as a script: echo 'COMMAND' | vsub ...",
      phase: 'check',
    });
  }
}

function notOnOpenPbs(what: string, hint: string): VtorqueError {
  return new VtorqueError('E_NOT_ON_OPENPBS', `Cannot use ${what}: qsub of OpenPBS does not have it`, {
    hint,
    phase: 'check',
  });
}
