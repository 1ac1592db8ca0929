import { readdir, readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { patienceMs } from './cluster.ts';
import type { TestUser } from './users.ts';

export interface FoundProcess {
  readonly pid: number;
  readonly args: readonly string[];
}

/**
 * Wait until a user has processes whose program name matches; our own are `start launch`, `start vsub` and so on.
 * @param isIt says of its arguments whether a process with that name is meant
 * @returns all of them
 */
export async function processesOf(
  user: TestUser,
  program: RegExp,
  isIt: (args: readonly string[]) => boolean = () => true,
): Promise<readonly [FoundProcess, ...FoundProcess[]]> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; ) {
    const [first, ...others] = (await look(user, program)).filter(({ args }) => isIt(args));
    if (first !== undefined) return [first, ...others];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no process ${program} of user ${user.name} appeared`);
}

async function look({ uid }: TestUser, program: RegExp): Promise<FoundProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid): Promise<FoundProcess[]> => {
      // A process may end while we look at it.
      const owner = await stat(`/proc/${pid}`).catch(() => undefined);
      if (owner?.uid !== uid) return [];
      const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').slice(0, -1);
      // Only the program itself, not setpriv, unshare or env on their way to it: those have it as a later argument.
      const started = args.slice(1, 4).findIndex((arg) => arg.endsWith('/start.cjs'));
      const name = started < 0 ? basename(args[0] ?? '') : `start ${args[started + 2]}`;
      return program.test(name) ? [{ pid: Number(pid), args }] : [];
    }),
  );
  return found.flat();
}
