import { shellQuote, shellWord } from '../../base/index.ts';

/**
 * The command of an interactive job that runs a program instead of a shell. OpenPBS's qsub -I wants a terminal of its own, which
 * script(1) of util-linux is. It takes the command as one word, in the language of a shell. Pure.
 */
export function interactiveCommand(
  qsub: string,
  options: readonly string[],
  program: readonly string[],
): [string, ...string[]] {
  const words = [qsub, '-I', ...options, '--', ...program].map((word) =>
    word === '' ? shellQuote(word) : shellWord(word),
  );
  return ['script', '--quiet', '--flush', '--return', '--command', `exec ${words.join(' ')}`, '/dev/null'];
}
