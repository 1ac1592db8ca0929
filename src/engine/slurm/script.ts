import { userInfo } from 'node:os';
import type { Env } from '../../base/index.ts';
import { type EffectiveOptions, splitWords } from '../../pbs/index.ts';
import { notOnSlurm } from './refusal.ts';

/** sbatch takes only scripts that name their shell; PBS runs the others by the shell of -S, or the user's own. */
export function withShebang(script: Uint8Array, options: EffectiveOptions, { SHELL }: Env): Uint8Array {
  if (Buffer.from(script.subarray(0, 2)).toString('latin1') === '#!') return script;
  const shell = options.value('S')?.split(',')[0]?.replace(/@.*/, '') || SHELL || userInfo().shell || '/bin/sh';
  return Buffer.concat([Buffer.from(`#!${shell}\n`), script]);
}

/**
 * The words of -F, which PBS lets the shell of the job read: here nobody reads them again, so what more than quotes would mean
 * something to a shell is refused.
 * @throws VtorqueError `E_NOT_ON_SLURM`
 */
export function scriptArguments(options: EffectiveOptions): string[] {
  const text = options.value('F');
  if (text === undefined) return [];
  const bare = text.replace(/'[^']*'/g, '');
  if (/[$`;&|<>()*?[\]{}~#!\n]/.test(bare)) {
    throw notOnSlurm(`-F "${text}"`, 'Write the arguments in single quotes, without variables and patterns');
  }
  return splitWords(text);
}
