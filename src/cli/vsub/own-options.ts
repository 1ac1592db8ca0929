import { nearest, VtorqueError } from '../../base/index.ts';
import type { QsubOption } from '../../pbs/index.ts';

/** An option that is ours, not qsub's. */
export interface OwnOption {
  /** All its spellings. */
  readonly words: readonly string[];
  readonly value?: string;
  readonly help: string;
}

/** Every option of vsub that qsub does not have. Each is a whole word, so that `-v m` stays qsub's. */
export const ownOptions: readonly OwnOption[] = [
  {
    words: ['-vm'],
    value: 'KEY=VALUE[,...]',
    help: 'run the job in a virtual machine; may be repeated',
  },
  { words: ['--explain'], help: 'print what would be done and why; submit nothing' },
  { words: ['--dry-run', '-gf'], help: 'the same as files in a new directory here' },
  { words: ['--json'], help: 'print the result, or the error, as JSON' },
  { words: ['--help'], help: 'print this help' },
];

/** The same for `walkQsubArgs`. */
export const ownWords: Readonly<Record<string, 'value' | 'flag'>> = Object.fromEntries(
  ownOptions.flatMap(({ words, value }) => words.map((word) => [word, value === undefined ? 'flag' : 'value'])),
);

/** The one that may stand in directives, too. */
export const ownDirectiveWords: Readonly<Record<string, 'value' | 'flag'>> = { '-vm': 'value' };

/**
 * Refuse a word such as `--exlpain` that was meant to be ours: qsub, which refuses it too, could not say what was meant.
 * @param options those that were taken for qsub's
 * @throws VtorqueError `E_OPTION_UNKNOWN` (exit code 2)
 */
export function checkNearlyOwn(options: readonly QsubOption[]): void {
  const long = ownOptions.flatMap(({ words }) => words).filter((word) => word.startsWith('--'));
  for (const { name, value, attached } of options) {
    const meant = name === '-' && attached ? nearest(`--${value}`, long) : undefined;
    if (meant === undefined) continue;
    throw new VtorqueError('E_OPTION_UNKNOWN', `Cannot use the option "--${value}": there is no such option`, {
      hint: `Did you mean "${meant}"? All options: vsub --help`,
      phase: 'check',
      exitCode: 2,
    });
  }
}
