import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of the node's that everybody may read, until `ending`. */
export async function aFolder(what: string, ending: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `vtt-${what}-`));
  ending.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  return folder;
}
