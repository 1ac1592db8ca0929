import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { VtorqueError } from '../../base/index.ts';

const passedOn = ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * Run a program of OpenSSH at this process's own terminal, to its end.
 * @returns its exit code, or 128 + n when signal n ended it
 * @throws VtorqueError `E_SSH_CLIENT` when it is not there
 */
export async function runClient(program: string, args: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit' });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  // The terminal sends INT to both.
  const wait = (): void => {};
  process.on('SIGINT', wait);
  for (const signal of passedOn) process.on(signal, pass);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } catch (cause) {
    throw new VtorqueError('E_SSH_CLIENT', `Cannot run "${program}": it is not on this machine`, {
      hint: 'It is part of OpenSSH, in Debian the package openssh-client',
      cause,
    });
  } finally {
    process.off('SIGINT', wait);
    for (const signal of passedOn) process.off(signal, pass);
  }
}
