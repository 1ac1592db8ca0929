import { shellQuote, shellWord } from '../../base/index.ts';

/**
 * The command of an interactive job that runs a program instead of a shell. OpenPBS's qsub -I wants a terminal of its own, which
 * script(1) of util-linux is. It takes the command as one word, in the language of $SHELL, which the user chooses: so that is
 * /bin/sh for it, and the user's again for qsub. Pure.
 * @param shell the value of SHELL
 */
export function interactiveCommand(
  qsub: string,
  options: readonly string[],
  program: readonly string[],
  shell: string | undefined,
): [string, ...string[]] {
  const own = shell === undefined ? ['-u', 'SHELL'] : [`SHELL=${shell}`];
  const words = ['env', ...own, qsub, '-I', ...options, '--', ...program].map((word) =>
    word === '' ? shellQuote(word) : shellWord(word),
  );
  return [
    'env',
    'SHELL=/bin/sh',
    'script',
    '--quiet',
    '--flush',
    '--return',
    '--command',
    `exec ${words.join(' ')}`,
    '/dev/null',
  ];
}
