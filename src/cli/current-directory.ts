import { VtorqueError } from '../base/index.ts';

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
