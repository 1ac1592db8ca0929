export type Variables = Readonly<Record<string, string>>;

/** Which variables of the batch job the user asked to have: `-v` names, `-V`. */
export interface VariableSelection {
  readonly names: readonly string[];
  readonly all: boolean;
}

/** Set by the batch system for every job, or by the login that every job is. */
const ofEveryJob = new Set([
  ...['ENVIRONMENT', 'HOME', 'LANG', 'LANGUAGE', 'LOGNAME', 'SHELL', 'TZ', 'USER'],
  // By OpenPBS.
  ...['NCPUS', 'OMP_NUM_THREADS'],
]);

/** True only of the node or of one process there, so meaningless or wrong inside the guest, even with -V. */
const ofTheNode =
  /^(_|BASHOPTS|BASH_.*|DBUS_.*|DISPLAY|HOSTNAME|NODE_.*|OLDPWD|PATH|PWD|SHELLOPTS|SHLVL|SSH_.*|TMPDIR|VTORQUE_.*|XAUTHORITY|XDG_.*)$/;

/**
 * By the cookie the nodes of a job know each other: what runs in a guest has no business among them. The port is that of a daemon of the
 * node, which a guest cannot talk to without the cookie.
 */
const keptOut = new Set(['PBS_JOBCOOKIE', 'PBS_MOMPORT']);

/** Where a login shell of a system without further settings looks for programs. */
const defaultPath = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin';

/**
 * What a job brings into all of its VMs: what the batch system set, what the user asked for with `-v` and `-V`, and above that
 * with `-vm env=`; nothing that belongs to the node. Pure.
 * @param job the environment of the job's first process
 * @param own of `-vm env=`
 */
export function jobVariables(job: Variables, asked: VariableSelection, own: Variables = {}): Record<string, string> {
  const wanted = new Set(asked.names);
  const isUsers = (name: string): boolean => wanted.has(name) || (asked.all && !ofTheNode.test(name));
  const path = asked.all || wanted.has('PATH') ? job.PATH : undefined;
  // The batch system's own is on the node; what a script puts there may go with the job, as the guest's /tmp does.
  const tmpdir = job.TMPDIR === undefined ? {} : { TMPDIR: '/tmp' };
  const taken = entries(job, (name) => isUsers(name) || isOfTheJob(name));
  return { PATH: path ?? defaultPath, ...tmpdir, ...taken, ...own };
}

/** Of these variables what the batch system has set for every job: nothing of the user's choice. Pure. */
export function systemVariables(job: Variables): Record<string, string> {
  return entries(job, (name) => name === 'ENVIRONMENT' || name.startsWith('PBS_') || name.startsWith('SLURM_'));
}

function isOfTheJob(name: string): boolean {
  return name.startsWith('PBS_') || name.startsWith('SLURM_') || name.startsWith('LC_') || ofEveryJob.has(name);
}

function entries(job: Variables, take: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(job).filter(([name]) => !keptOut.has(name) && take(name)));
}
