import { run } from '../../process/index.ts';

/** Names of the groups of this process's user, from wherever the machine has them; those without a name are left out. */
export async function currentGroups(): Promise<readonly string[]> {
  // It ends with 1 when one group has no name, after it has printed the others.
  const { stdout } = await run(['id', '-Gnz']);
  return stdout
    .toString()
    .split('\0')
    .filter((name) => name !== '');
}
