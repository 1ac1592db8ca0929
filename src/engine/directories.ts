import { statSync } from 'node:fs';
import { type Env, VtorqueError } from '../base/index.ts';

/**
 * The directory that the command was started in.
 * @throws VtorqueError `E_CWD` when it was deleted meanwhile
 */
export function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new VtorqueError('E_CWD', 'Cannot submit: the current directory is not there any more', {
      hint: 'Change to a directory that exists, for instance by: cd',
      cause,
    });
  }
}

/**
 * The same under the name that the user knows it by, where that is still true.
 * @throws VtorqueError `E_CWD`
 */
export function namedDirectory({ PWD }: Env): string {
  const real = currentDirectory();
  if (!PWD?.startsWith('/')) return real;
  const [named, here] = [statusOf(PWD), statusOf(real)];
  return named !== undefined && named.ino === here?.ino && named.dev === here.dev ? PWD : real;
}

export function isDirectory(path: string): boolean {
  return statusOf(path)?.isDirectory() === true;
}

/** Undefined for what is not there, or behind what this user may not enter: nothing that he could name. */
function statusOf(path: string): ReturnType<typeof statSync> {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
