import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { whyNotTrusted } from '../../../image/index.ts';
import { unusableSiteHook } from './errors.ts';
import { type SiteHookName, siteHookNames } from './orders.ts';

export type SiteHooks = ReadonlyMap<SiteHookName, Buffer>;

const LARGEST = 1024 ** 2;
const OWNER_MAY_RUN = 0o100;

/**
 * The site's hooks for guests, as they are on this node. A file that is not there is no hook.
 * @param directory empty: the site has none
 * @param uid of the job's owner, who reads them
 * @throws VtorqueError `E_HOOK_FILE` for a directory that is not there, and for a file that somebody else could have written, that is not executable,
 *   closed, or too large
 */
export async function readSiteHooks(directory: string, uid: number): Promise<SiteHooks> {
  if (directory === '') return new Map();
  const facts = await stat(directory).catch((error: NodeJS.ErrnoException) => error);
  if (facts instanceof Error || !facts.isDirectory()) throw unusableSiteHook(directory, 'there is no such directory');
  const found = await Promise.all(
    siteHookNames.map(async (name) => [name, await readHook(join(directory, name), uid)] as const),
  );
  return new Map(found.flatMap(([name, bytes]) => (bytes === undefined ? [] : [[name, bytes] as const])));
}

async function readHook(path: string, uid: number): Promise<Buffer | undefined> {
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (facts instanceof Error) {
    if (facts.code === 'ENOENT') return undefined;
    throw unusableSiteHook(path, facts.message);
  }
  if (!facts.isFile()) throw unusableSiteHook(path, 'it is no file');
  const reason = await whyNotTrusted(path, uid);
  if (reason !== undefined) throw unusableSiteHook(path, `it is not to be trusted, ${reason}`);
  if ((facts.mode & OWNER_MAY_RUN) === 0) throw unusableSiteHook(path, 'it is not executable');
  if (facts.size > LARGEST) throw unusableSiteHook(path, `it has more than ${LARGEST / 1024} KiB`);
  try {
    return await readFile(path);
  } catch (error) {
    const closed = (error as NodeJS.ErrnoException).code === 'EACCES';
    throw unusableSiteHook(path, closed ? 'users cannot read it' : (error as Error).message);
  }
}
