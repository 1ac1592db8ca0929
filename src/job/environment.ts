type Variables = Readonly<Record<string, string>>;

/** Which variables of the batch job the user asked to have: `-v` names, `-V`. */
export interface VariableSelection {
  readonly names: readonly string[];
  readonly all: boolean;
}

/** Set by the batch system for every job, or by the login that every job is. */
const ofEveryJob = new Set(['ENVIRONMENT', 'HOME', 'LANG', 'LANGUAGE', 'LOGNAME', 'SHELL', 'TZ', 'USER']);

/** True only of the node or of one process there, so meaningless or wrong inside the guest, even with -V. */
const ofTheNode =
  /^(_|BASHOPTS|BASH_.*|DBUS_.*|DISPLAY|HOSTNAME|NODE_.*|OLDPWD|PATH|PWD|SHELLOPTS|SHLVL|SSH_.*|TMPDIR|VTORQUE_.*|XAUTHORITY|XDG_.*)$/;

/** By it the nodes of a job know each other: what runs in a guest has no business among them. */
const secret = 'PBS_JOBCOOKIE';

/** Where a login shell of a system without further settings looks for programs. */
const defaultPath = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin';

/**
 * The environment of the script in the guest: what the batch system set, what the user asked for with `-v` and `-V`,
 * nothing that belongs to the node. Pure.
 */
export function guestEnvironment(job: Variables, asked: VariableSelection, guest: Variables): Record<string, string> {
  const wanted = new Set(asked.names);
  const isKept = (name: string): boolean =>
    wanted.has(name) ||
    name.startsWith('PBS_') ||
    name.startsWith('SLURM_') ||
    name.startsWith('LC_') ||
    ofEveryJob.has(name) ||
    (asked.all && !ofTheNode.test(name));
  const kept = Object.entries(job).filter(([name]) => name !== secret && isKept(name));
  const path = asked.all || wanted.has('PATH') ? job.PATH : undefined;
  // The batch system's own is on the node; what a script puts there may go with the job, as the guest's /tmp does.
  const tmpdir = job.TMPDIR === undefined ? {} : { TMPDIR: '/tmp' };
  return { PATH: path ?? defaultPath, ...tmpdir, ...Object.fromEntries(kept), ...guest };
}
