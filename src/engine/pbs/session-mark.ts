import { readFile } from 'node:fs/promises';
import { sha256 } from '../../base/index.ts';

/**
 * What tells this run of a job from others on the node where its script runs: the process that leads its session, and when that
 * began. The job's cookie alone might be the same after a requeue. Not secret.
 */
export async function sessionMark(cookie: string): Promise<string> {
  const session = fieldOf(await readFile('/proc/self/stat', 'utf8'), SESSION);
  // The leader may have ended, while what it has started goes on.
  const leader = await readFile(`/proc/${session}/stat`, 'utf8').catch(() => '');
  const began = fieldOf(leader, START_TIME);
  return sha256(Buffer.from(`${cookie} ${session} ${began}`)).slice(0, 16);
}

/** Numbers of fields in proc(5). */
const SESSION = 6;
const START_TIME = 22;

/** The name of the program, in parentheses, may hold anything. */
function fieldOf(stat: string, number: number): string {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[number - 3] ?? '';
}
