import { VtorqueError } from '../../base/index.ts';
import { runInForeground } from '../../process/index.ts';

/**
 * Run a program of OpenSSH at this process's own terminal, to its end.
 * @returns its exit code, or 128 + n when signal n ended it
 * @throws VtorqueError `E_SSH_CLIENT` when it is not there
 */
export async function runClient(program: string, args: readonly string[]): Promise<number> {
  const { code } = await runInForeground([program, ...args], { env: process.env }).catch((cause: unknown) => {
    throw new VtorqueError('E_SSH_CLIENT', `Cannot run "${program}": it is not on this machine`, {
      hint: 'It is part of OpenSSH, in Debian the package openssh-client',
      cause,
    });
  });
  return code;
}
