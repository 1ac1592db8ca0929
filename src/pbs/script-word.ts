import { openpbsValueLetter, optionTakesValue } from './options.ts';
import type { Operand } from './walk.ts';

/** What qsub learns from its first look at the argument list, before getopt. */
export interface FirstLook {
  /** The word taken for the script. None: the script comes on standard input. */
  readonly script?: Operand;
  /** The directive prefix of `-C`. */
  readonly prefix?: string;
  readonly interactive: boolean;
  /** `--version` or `--about` anywhere, even as a value: printed before anything else happens. */
  readonly early?: 'version' | 'about';
}

/**
 * Find the script as the real qsub does: by the first letter of each word only. So it differs from getopt for words
 * such as `-hN name` (the script is "name"), `-- job.sh` (none) and `-CX` (the prefix is the next word).
 */
export function firstLook(argv: readonly string[]): FirstLook {
  const early = argv.find((word) => word === '--version' || word === '--about');
  let prefix: string | undefined;
  let interactive = false;
  let script: Operand | undefined;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (!word.startsWith('-')) {
      script = { text: word, at };
      break;
    }
    const letter = word.charAt(1);
    if (letter === 'C') prefix = argv[at + 1];
    if (letter === 'I') interactive = true;
    // A lone "-" counts as an option with a value, too.
    else if (word.length <= 2 && (['', openpbsValueLetter].includes(letter) || optionTakesValue(letter))) at++;
  }
  return {
    // An empty word stands for standard input.
    ...(script === undefined || script.text === '' ? {} : { script }),
    ...(prefix === undefined ? {} : { prefix }),
    interactive,
    ...(early === undefined ? {} : { early: early === '--version' ? 'version' : 'about' }),
  };
}
