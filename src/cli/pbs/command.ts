import type { Env } from '../../base/index.ts';
/** What one of the commands prints and how it ends. Everything that is printed is complete lines. */
export interface CommandResult {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode: number;
}

/** One command of the embedded batch system; `args` without its name. */
export type PbsCommand = (args: readonly string[], env: Env) => Promise<CommandResult>;

/** Ends a command at once, with text that is complete. */
export class CommandError extends Error {
  readonly exitCode: number;
  constructor(text: string, exitCode: number) {
    super(text);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** Torque's numbers count from 15000; a process can only end with their last eight bits. */
export function exitCodeOf(code: number): number {
  return code % 256 || 1;
}

export function notAvailable(command: string, what: string): CommandError {
  return new CommandError(`${command}: ${what} is not available in the embedded batch system`, 1);
}
