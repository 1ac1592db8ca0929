import { VtorqueError } from '../base/index.ts';

export interface Item {
  readonly key: string;
  readonly value: string;
}

/** One character, and whether quotes or a backslash took its meaning away. */
interface Char {
  readonly char: string;
  readonly plain: boolean;
}

/**
 * Split `key=value,key="a, b"` into its items.
 * @throws VtorqueError `E_VM_SYNTAX`, exit code 2
 */
export function splitItems(text: string): Item[] {
  return splitAtCommas(readChars(text)).map((item) => {
    const equals = item.findIndex(({ char, plain }) => plain && char === '=');
    const key = joinTrimmed(equals < 0 ? item : item.slice(0, equals));
    if (key === '' && equals < 0) throw syntaxError(text, 'an item is empty');
    if (equals < 0) throw syntaxError(text, `"${key}" has no value`);
    if (key === '') throw syntaxError(text, 'a key is missing before "="');
    const value = joinTrimmed(item.slice(equals + 1));
    if (value === '') throw syntaxError(text, `the value of "${key}" is empty`);
    return { key, value };
  });
}

function readChars(text: string): Char[] {
  const chars: Char[] = [];
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '\\' && quote !== "'" && i + 1 < text.length) chars.push({ char: text.charAt(++i), plain: false });
    else if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else chars.push({ char, plain: quote === '' });
  }
  if (quote !== '') throw syntaxError(text, `the quote ${quote} is not closed`);
  return chars;
}

function splitAtCommas(chars: readonly Char[]): Char[][] {
  const items: Char[][] = [[]];
  for (const each of chars) {
    if (each.plain && each.char === ',') items.push([]);
    else items.at(-1)?.push(each);
  }
  return items;
}

/** The text without the blanks around it, unless they were quoted. */
function joinTrimmed(chars: readonly Char[]): string {
  const isBlank = ({ char, plain }: Char): boolean => plain && /\s/.test(char);
  const from = chars.findIndex((each) => !isBlank(each));
  const to = chars.findLastIndex((each) => !isBlank(each));
  return from < 0
    ? ''
    : chars
        .slice(from, to + 1)
        .map((each) => each.char)
        .join('');
}

function syntaxError(text: string, state: string): VtorqueError {
  return new VtorqueError('E_VM_SYNTAX', `Cannot read "-vm ${text}": ${state}`, {
    hint: 'Write -vm KEY=VALUE[,KEY=VALUE...], for instance -vm img=host,vcpus=2,ram=2G',
    phase: 'check',
    exitCode: 2,
  });
}
