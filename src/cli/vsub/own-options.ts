/** An option that is ours, not qsub's. */
export interface OwnOption {
  /** All its spellings. */
  readonly words: readonly string[];
  readonly value?: string;
  readonly help: string;
  readonly availability: 'now' | 'not in this version';
}

/** Every option of vsub that qsub does not have. Each is a whole word, so that `-v m` stays qsub's. */
export const ownOptions: readonly OwnOption[] = [
  {
    words: ['-vm'],
    value: 'KEY=VALUE[,...]',
    help: 'run the job in a virtual machine; may be repeated',
    availability: 'now',
  },
  { words: ['--json'], help: 'print the result, or the error, as JSON', availability: 'now' },
  { words: ['--help'], help: 'print this help', availability: 'now' },
  { words: ['--explain'], help: 'print where each value comes from', availability: 'not in this version' },
  { words: ['--dry-run', '-gf'], help: 'write the files, submit nothing', availability: 'not in this version' },
];

/** The same for `walkQsubArgs`. */
export const ownWords: Readonly<Record<string, 'value' | 'flag'>> = Object.fromEntries(
  ownOptions.flatMap(({ words, value }) => words.map((word) => [word, value === undefined ? 'flag' : 'value'])),
);

/** The one that may stand in directives, too. */
export const ownDirectiveWords: Readonly<Record<string, 'value' | 'flag'>> = { '-vm': 'value' };
