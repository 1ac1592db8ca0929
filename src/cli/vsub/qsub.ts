import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { definedOnly, type Env } from '../../base/index.ts';

/** Replace this process by qsub: same words, same files, same exit code. */
export async function becomeQsub(qsub: string, argv: readonly string[], env: Env): Promise<number> {
  if (process.execve === undefined || !canExecute(qsub)) {
    const { runQsub } = await import('../../engine/pbs/submit.ts');
    return (await runQsub(qsub, argv, env, { sharesOutput: true })).code;
  }
  // Node ignores these signals, and what is ignored stays so in the next program; what is caught does not.
  for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(signal, () => {});
  return process.execve(qsub, ['qsub', ...argv], definedOnly(env));
}

/** Node aborts when execve fails, so only what cannot fail goes there: a binary, or a script with its interpreter. */
function canExecute(path: string): boolean {
  const head = Buffer.alloc(256);
  try {
    const file = openSync(path, 'r');
    readSync(file, head);
    closeSync(file);
  } catch {
    // Executable and not readable: no interpreter could read it either, so it is a binary.
    return true;
  }
  if (head.toString('latin1', 0, 4) === '\x7fELF') return true;
  const [, interpreter = ''] = /^#! *(\/\S+)/.exec(head.toString('latin1')) ?? [];
  return interpreter !== '' && existsSync(interpreter);
}
