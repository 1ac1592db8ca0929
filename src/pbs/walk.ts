import { VtorqueError } from '../base/index.ts';
import { qsubUsageError } from './errors.ts';
import { openpbsValueLetter, optionTakesValue } from './options.ts';

/** One option found in an argument list. */
export interface QsubOption {
  /** `N`; the word itself (`-vm`) for an option of ours. */
  readonly name: string;
  /** None for a flag, and for an option whose value is missing. */
  readonly value?: string;
  /** Index of the word that holds the letter. */
  readonly at: number;
  /** Is the value the rest of that word? Otherwise it is the next word. */
  readonly attached?: true;
}

export interface Operand {
  readonly text: string;
  readonly at: number;
}

export interface WalkOptions {
  /** Options of ours: whole words that are recognised wherever an option may stand, with or without a value in the next word. */
  readonly own?: Readonly<Record<string, 'value' | 'flag'>>;
}

/** The words of an argument list (without the command's name), each in one of these classes. */
export interface QsubWalk {
  readonly argv: readonly string[];
  /** In the order in which qsub would act on them; letters that share a word share its index. */
  readonly options: readonly QsubOption[];
  readonly own: readonly QsubOption[];
  /** Words that are neither options nor their values. qsub takes one: the script. */
  readonly operands: readonly Operand[];
  /** Index of the word `--` that ends the options. */
  readonly endOfOptions?: number;
  /** What the real qsub would say about the options, in order; it stops at the first. */
  readonly errors: readonly VtorqueError[];
}

/** The last value given for option `name`: what counts for qsub. */
export function lastValue(options: readonly QsubOption[], name: string): string | undefined {
  return options.findLast((option) => option.name === name)?.value;
}

export function hasOption(options: readonly QsubOption[], name: string): boolean {
  return options.some((option) => option.name === name);
}

/** Walk an argument list as qsub's getopt does: options may follow operands, letters may share a word. Never throws. */
export function walkQsubArgs(argv: readonly string[], { own = {} }: WalkOptions = {}): QsubWalk {
  const options: QsubOption[] = [];
  const owned: QsubOption[] = [];
  const operands: Operand[] = [];
  const errors: VtorqueError[] = [];
  let endOfOptions: number | undefined;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    const ours = Object.hasOwn(own, word) ? own[word] : undefined;
    if (endOfOptions !== undefined || !word.startsWith('-') || word === '-') {
      operands.push({ text: word, at });
    } else if (word === '--') {
      endOfOptions = at;
    } else if (ours !== undefined) {
      const value = ours === 'value' ? argv[at + 1] : undefined;
      owned.push(value === undefined ? { name: word, at } : { name: word, value, at });
      if (value !== undefined) at++;
    } else {
      at = walkCluster(argv, at, options, errors);
    }
  }
  return { argv, options, own: owned, operands, errors, ...(endOfOptions === undefined ? {} : { endOfOptions }) };
}

/** One word of option letters; returns the index of the last word that it used. */
function walkCluster(argv: readonly string[], at: number, options: QsubOption[], errors: VtorqueError[]): number {
  const letters = [...(argv[at] ?? '').slice(1)];
  for (const [i, name] of letters.entries()) {
    const takesValue = optionTakesValue(name);
    if (takesValue === undefined) errors.push(invalidOption(name));
    if (!takesValue && name !== openpbsValueLetter) {
      options.push({ name, at });
    } else {
      const rest = letters.slice(i + 1).join('');
      const next = argv[at + 1];
      if (rest !== '') options.push({ name, value: rest, at, attached: true });
      else if (next !== undefined) options.push({ name, value: next, at });
      else options.push({ name, at });
      const missing = rest === '' && next === undefined;
      if (missing) errors.push(qsubOptionError(`option requires an argument -- '${name}'`));
      else if (name === '-') errors.push(qsubUsageError('a single - is not a valid option'));
      return rest === '' && next !== undefined ? at + 1 : at;
    }
  }
  return at;
}

function invalidOption(letter: string): VtorqueError {
  return qsubOptionError(`invalid option -- '${letter}'`);
}

/** getopt prints its own line first. */
function qsubOptionError(line: string): VtorqueError {
  const usage = qsubUsageError('exiting');
  return new VtorqueError('E_QSUB', `qsub: ${line}`, { exitCode: 2, details: [usage.message, ...usage.details] });
}
