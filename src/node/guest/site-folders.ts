import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { VtorqueError } from '../../base/index.ts';
import { belongsToGuest, inside, type SharedDirectory, type WantedDirectory } from '../../storage/index.ts';
import type { FurtherShare } from './further-shares.ts';
import type { StorageSettings } from './node-settings.ts';

/** Where guests have the site's workspace and the cluster's software; the names are those of 2018. */
export const sitePlaces = { workspace: '/workspace', opt: '/opt-hpc' } as const;

/**
 * The site's workspace, by its own path and as /workspace. It is shared like the directories that the job names itself.
 * @throws VtorqueError `E_SITE_FOLDER` when this node has none
 */
export async function siteWorkspace({ workspace }: Pick<StorageSettings, 'workspace'>): Promise<WantedDirectory[]> {
  if (workspace === '') return [];
  const real = await usable(workspace, 'storage.workspace');
  if (belongsToGuest(real)) {
    throw cannot(workspace, 'storage.workspace', "guests have a directory of their own system's there");
  }
  return [workspace, sitePlaces.workspace].map((path) => ({ path, real }));
}

/**
 * The cluster's software, read-only, as /opt-hpc and where the node has it, so that what is installed by its path is found.
 * @param others what is shared besides
 * @throws VtorqueError `E_SITE_FOLDER` when this node has none
 */
export async function siteOpt(
  { opt }: Pick<StorageSettings, 'opt'>,
  others: readonly SharedDirectory[],
): Promise<FurtherShare[]> {
  if (opt === '') return [];
  const source = await usable(opt, 'storage.opt');
  const free = (path: string): boolean =>
    !belongsToGuest(path) &&
    others.every(({ targets }) => targets.every((target) => !inside(path, target) && !inside(target, path)));
  const own = [...new Set([source, opt])].filter(free);
  return [{ source, targets: [sitePlaces.opt, ...own], readonly: true }];
}

async function usable(path: string, key: string): Promise<string> {
  try {
    const real = await realpath(path);
    await access(real, constants.R_OK | constants.X_OK);
    return real;
  } catch (error) {
    const closed = (error as NodeJS.ErrnoException).code === 'EACCES';
    throw cannot(path, key, closed ? 'it is closed to you' : 'there is none on this node', error);
  }
}

function cannot(path: string, key: string, state: string, cause?: unknown): VtorqueError {
  return new VtorqueError('E_SITE_FOLDER', `Cannot share "${path}": ${state}`, {
    hint: `The site's configuration names it (${key}): tell the administrators`,
    phase: 'storage',
    cause,
  });
}
