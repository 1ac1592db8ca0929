import { run } from '../../process/index.ts';
import { mkfsArguments } from './ext.ts';
import type { OpenDisk } from './open.ts';

const WITHIN_MS = 300_000;

/**
 * Make a file system in a raw disk without any, as this user. The guest can do it, too, if it has the program; the node does it sooner.
 * @returns whether there is one now
 */
export async function formatHere(
  { file }: Pick<OpenDisk, 'file'>,
  owner: { readonly uid: number; readonly gid: number },
): Promise<boolean> {
  const argv = ['mkfs.ext4', ...mkfsArguments('/proc/self/fd/3', owner)] as const;
  return (await run(argv, { descriptors: [file.fd], withinMs: WITHIN_MS })).code === 0;
}
