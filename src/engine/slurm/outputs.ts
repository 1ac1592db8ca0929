import { notOnSlurm } from './refusal.ts';

/** Where a job's outputs are to go, in qsub's terms. Directories are absolute. */
export interface OutputRequest {
  readonly name: string;
  readonly output?: string | undefined;
  readonly error?: string | undefined;
  /** Of -j. */
  readonly join: string;
  /** Of -k. */
  readonly keep: string;
  readonly array: boolean;
  /** Where relative paths begin, and the files without a path lie. */
  readonly directory: string;
  readonly home: string;
  /** Whether a path leads to a directory, in which the file has its usual name then. */
  readonly isDirectory: (path: string) => boolean;
}

/**
 * The files of a job as arguments of sbatch: `NAME.o7`, `NAME.e7`, and `NAME.o7-1` of an element. Pure but for `isDirectory`.
 * @throws VtorqueError `E_NOT_ON_SLURM` for files on another host
 */
export function outputArguments(request: OutputRequest): string[] {
  const [out, err] = [pathOf(request, 'o'), pathOf(request, 'e')];
  // sbatch writes both to one file when it is given one.
  if (request.join === 'oe') return [`--output=${out}`];
  if (request.join === 'eo') return [`--output=${err}`];
  return [`--output=${out}`, `--error=${err}`];
}

function pathOf(request: OutputRequest, kind: 'o' | 'e'): string {
  const { name, directory, home, array } = request;
  const usual = `${literal(name)}.${kind}${array ? '%A-%a' : '%j'}`;
  if (request.keep.includes(kind)) return `${literal(home)}/${usual}`;
  const asked = kind === 'o' ? request.output : request.error;
  if (asked === undefined) return `${literal(directory)}/${usual}`;
  const [, host, path = asked] = /^([\w.-]*):(.*)$/s.exec(asked) ?? [];
  if (host !== undefined && host !== '')
    throw notOnSlurm(`-${kind} ${asked}`, 'Write a path that all nodes see, without a host');
  if (path === '') return `${literal(directory)}/${usual}`;
  const expanded = path.replace(/^\$\{?(HOME|PBS_O_HOME|PBS_O_WORKDIR)\}?/, (_, variable: string) =>
    variable === 'PBS_O_WORKDIR' ? directory : home,
  );
  const absolute = expanded.startsWith('/') ? expanded : `${directory}/${expanded}`;
  const file = array ? '%A_%a' : '%j';
  const pattern = literal(absolute).replace(/\$\{?PBS_JOBID\}?/g, file);
  if (!request.isDirectory(absolute)) return pattern;
  return `${pattern.replace(/\/$/, '')}/${usual}`;
}

/** Slurm reads patterns in file names. A backslash would switch that off for the whole name, so each sign is doubled. */
function literal(path: string): string {
  return path.replaceAll('%', '%%');
}
