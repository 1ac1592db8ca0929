import { CommandError } from './command.ts';

export interface Options {
  has(letter: string): boolean;
  /** The last value given. */
  value(letter: string): string | undefined;
  /** All values given, in their order. */
  values(letter: string): readonly string[];
  readonly operands: readonly string[];
}

/**
 * Read options as getopt does: letters may share a word, options may follow operands, `--` ends them.
 * @param optstring letters, those with a value followed by a colon
 * @param usage printed with an error, after which the exit code is 2
 */
export function getopt(command: string, args: readonly string[], optstring: string, usage: string): Options {
  const values = new Map<string, string[]>();
  const add = (letter: string, value: string): unknown => values.set(letter, [...(values.get(letter) ?? []), value]);
  const operands: string[] = [];
  const fail = (reason: string): CommandError => new CommandError(`${command}: ${reason}\n${usage}`, 2);
  const takesValue = (letter: string): boolean => optstring[optstring.indexOf(letter) + 1] === ':';
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '--') {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    for (let i = 1; i < word.length; i++) {
      const letter = word.charAt(i);
      if (letter === ':' || !optstring.includes(letter)) throw fail(`invalid option -- '${letter}'`);
      if (!takesValue(letter)) {
        add(letter, '');
        continue;
      }
      const value = i + 1 < word.length ? word.slice(i + 1) : args[++at];
      if (value === undefined) throw fail(`option requires an argument -- '${letter}'`);
      add(letter, value);
      break;
    }
  }
  return {
    has: (letter) => values.has(letter),
    value: (letter) => values.get(letter)?.at(-1),
    values: (letter) => values.get(letter) ?? [],
    operands,
  };
}
