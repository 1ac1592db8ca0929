import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Additions } from '../recipes/index.ts';

/** Where the commands lie in the image while they run. */
const COMMANDS = '/vtorque-build/commands.sh';

/**
 * What is done in the image, its own packages installed: the files are put in by the image's own tar, which follows no link out of
 * it, and the commands run in its own shell, as its root.
 */
const HOOK = `#!/bin/sh
set -e
here=$(dirname "$0")
tar -C "$here/files" --owner=0 --group=0 --numeric-owner -cf - . | chroot "$1" tar -C / --keep-directory-symlink --no-overwrite-dir -xf -
echo "I: running the recipe's commands" >&2
chroot "$1" env HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 /bin/sh -e ${COMMANDS} < /dev/null >&2
chroot "$1" rm -rf ${dirname(COMMANDS)}
`;

/**
 * Write what mmdebstrap shall call when it has installed the packages.
 * @param work the build's own directory
 * @returns the path of a program that takes the path of the image's root directory
 */
export async function writeAdditions({ files, commands }: Additions, work: string): Promise<string> {
  const dir = join(work, 'additions');
  const script = { path: COMMANDS, content: Buffer.from(commands.map((line) => `${line}\n`).join('')), mode: 0o700 };
  await mkdir(dir);
  for (const { path, content, mode } of [...files, script]) {
    const target = join(dir, 'files', path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, content, { flag: 'wx' });
    await chmod(target, mode);
  }
  const hook = join(dir, 'hook');
  await writeFile(hook, HOOK);
  await chmod(hook, 0o755);
  return hook;
}
