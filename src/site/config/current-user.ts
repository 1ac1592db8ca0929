import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Names of the groups of this process's user, from wherever the machine has them; those without a name are left out. */
export async function currentGroups(): Promise<readonly string[]> {
  // id ends with 1 when one group has no name, after it has printed the others.
  const { stdout } = await promisify(execFile)('id', ['-Gnz'], { timeout: 10_000 }).catch((error: unknown) => {
    return { stdout: (error as { stdout?: string }).stdout ?? '' };
  });
  return stdout.split('\0').filter((name) => name !== '');
}
