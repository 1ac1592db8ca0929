import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Debian calls it slurmd-wlm. */
const DAEMON = /\/slurmd(-wlm)?$/;
/** Between a hook and the daemon there may be scripts of the site. */
const MOST_ANCESTORS = 8;

export interface LookedAt {
  /** The process whose ancestors are looked at. */
  readonly pid?: number;
  readonly proc?: string;
  /** Whose the daemon must be. */
  readonly root?: number;
}

/**
 * The directory of Slurm's commands on a node, for a process that its slurmd has started: a site may keep Slurm anywhere, and slurmd gives its
 * scripts no PATH. It is `bin` beside the directory of the daemon's program, or that directory itself.
 * @returns undefined where no slurmd is above, or where somebody else than root may change what is there, since root would run it
 */
export function commandsOfDaemon({ pid = process.pid, proc = '/proc', root = 0 }: LookedAt = {}): string | undefined {
  let ancestor: number | undefined = pid;
  for (let i = 0; i < MOST_ANCESTORS; i++) {
    ancestor = parentOf(proc, ancestor);
    if (ancestor === undefined || ancestor <= 1) return undefined;
    const program = programOf(proc, ancestor);
    if (program === undefined || !DAEMON.test(program)) continue;
    const directory = dirname(program);
    const places = [join(dirname(directory), 'bin'), directory];
    return places.find((commands) =>
      [program, directory, commands, join(commands, 'scontrol')].every((path) => isOnly(root, path)),
    );
  }
  return undefined;
}

function parentOf(proc: string, pid: number): number | undefined {
  try {
    const [, , parent] = /\) (\S) (\d+) /s.exec(readFileSync(join(proc, String(pid), 'stat'), 'latin1')) ?? [];
    return parent === undefined ? undefined : Number(parent);
  } catch {
    // It has ended.
    return undefined;
  }
}

/** Without links; of one that was replaced since, as by an upgrade, what is there now. */
function programOf(proc: string, pid: number): string | undefined {
  try {
    return readlinkSync(join(proc, String(pid), 'exe')).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined;
  }
}

function isOnly(owner: number, path: string): boolean {
  try {
    const { uid, mode } = statSync(path);
    return uid === owner && (mode & 0o022) === 0;
  } catch {
    return false;
  }
}
