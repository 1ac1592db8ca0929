import { stat } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';

/** The program for guests of this machine's own architecture. */
export const qemuProgram = `qemu-system-${arch() === 'arm64' ? 'aarch64' : 'x86_64'}`;

/**
 * Which QEMU it is that a PATH leads to: another text for another build. A package's files have the same size and time on all nodes.
 * @returns undefined when there is none
 */
export async function qemuIdentity(path: string): Promise<string | undefined> {
  for (const directory of path.split(':')) {
    const facts = await stat(join(directory, qemuProgram)).catch(() => undefined);
    if (facts?.isFile()) return `${facts.size} ${facts.mtimeMs}`;
  }
  return undefined;
}
