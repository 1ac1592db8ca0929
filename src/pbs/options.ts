/** One option of Torque's qsub. */
export interface QsubOptionSpec {
  readonly letter: string;
  /** The name of its value in help texts; none for a flag. */
  readonly value?: string;
  readonly help: string;
}

/** Every option of the getopt string of qsub 6.1, in its order. */
export const qsubOptions: readonly QsubOptionSpec[] = [
  { letter: 'a', value: 'time', help: 'do not start before [[[[CC]YY]MM]DD]hhmm[.SS]' },
  { letter: 'A', value: 'account', help: 'account to charge' },
  { letter: 'b', value: 'seconds', help: 'how long to try to reach the server' },
  { letter: 'c', value: 'options', help: 'checkpointing' },
  { letter: 'C', value: 'prefix', help: 'prefix of directives in the script instead of #PBS' },
  { letter: 'd', value: 'dir', help: 'working directory of the job' },
  { letter: 'D', value: 'dir', help: 'root directory of the job' },
  { letter: 'e', value: 'path', help: 'where the standard error goes' },
  { letter: 'E', help: 'use whole nodes' },
  { letter: 'f', help: 'the job survives the loss of a node' },
  { letter: 'F', value: 'args', help: 'arguments of the script' },
  { letter: 'h', help: 'submit on hold' },
  { letter: 'i', value: 'number', help: 'at most so many idle elements of an array' },
  { letter: 'I', help: 'interactive job' },
  { letter: 'j', value: 'oe|eo|n', help: 'join output and error' },
  { letter: 'J', value: 'job', help: 'job id, with -P' },
  { letter: 'k', value: 'o|e|oe|n', help: 'keep output and error on the node' },
  { letter: 'K', value: 'seconds', help: 'time between TERM and KILL' },
  { letter: 'l', value: 'resources', help: 'resources: nodes, walltime, mem, ...' },
  { letter: 'L', value: 'request', help: 'resources with NUMA placement' },
  { letter: 'm', value: 'abe|n', help: 'when to send mail' },
  { letter: 'M', value: 'users', help: 'whom to send mail' },
  { letter: 'n', help: 'use whole nodes' },
  { letter: 'N', value: 'name', help: 'name of the job' },
  { letter: 'o', value: 'path', help: 'where the standard output goes' },
  { letter: 'p', value: 'priority', help: 'from -1024 to 1023' },
  { letter: 'P', value: 'user[:group]', help: 'submit for another user (managers only)' },
  { letter: 'q', value: 'queue', help: 'destination: queue, @server or queue@server' },
  { letter: 'r', value: 'y|n', help: 'may the job be run again' },
  { letter: 'S', value: 'path', help: 'shell of the job' },
  { letter: 't', value: 'range', help: 'array of jobs, for instance 1-10%2' },
  { letter: 'T', value: 'type', help: 'job type' },
  { letter: 'u', value: 'users', help: 'user name of the job on the server' },
  { letter: 'v', value: 'variables', help: 'variables for the job: NAME or NAME=VALUE, with commas between' },
  { letter: 'V', help: 'all variables for the job' },
  { letter: 'w', value: 'dir', help: 'where the output files go' },
  { letter: 'W', value: 'attributes', help: 'further attributes: depend=, umask=, stagein=, ...' },
  { letter: 'X', help: 'forward X11, with -I' },
  { letter: 'x', help: 'run the command instead of a shell, with -I' },
  { letter: 'z', help: 'do not print the job id' },
];

/** Torque refuses it, OpenPBS has it with a value: where the script stands depends on that. */
export const openpbsValueLetter = 'R';

const takesValueByLetter = new Map<string, boolean>([
  ...qsubOptions.map((o): [string, boolean] => [o.letter, o.value !== undefined]),
  ['-', true],
]);

/** Does the option `letter` take a value? Undefined: there is no such option. */
export function optionTakesValue(letter: string): boolean | undefined {
  return takesValueByLetter.get(letter);
}
