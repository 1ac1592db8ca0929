import { nearest, parseSize, VtorqueError } from '../base/index.ts';

/** How the value of a key is read. Errors are `E_VM_VALUE`: 2 for what cannot be read, 1 for what is out of bounds. */
export interface ValueType<T> {
  /** For help texts: `SIZE`. */
  readonly syntax: string;
  /** Values worth offering to somebody who types. */
  readonly words?: readonly string[];
  parse(text: string, key: string): T;
  /** What the reader should know about a text that is taken, if there is something. */
  warn?(text: string, key: string): string | undefined;
}

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

function unreadable(key: string, text: string, state: string, hint: string): VtorqueError {
  return new VtorqueError('E_VM_VALUE', `Cannot use ${key}="${text}": ${state}`, { hint, phase: 'check', exitCode: 2 });
}

function outOfBounds(key: string, text: string, state: string, hint: string): VtorqueError {
  return new VtorqueError('E_VM_VALUE', `Cannot use ${key}="${text}": ${state}`, { hint, phase: 'check', exitCode: 1 });
}

/** A whole number. */
export function count({ min = 1, max = 1_000_000 }: Bounds = {}): ValueType<number> {
  return {
    syntax: 'NUMBER',
    parse(text, key) {
      const write = `Write a whole number from ${min} to ${max}, for instance ${key}=${Math.max(min, 2)}`;
      if (!/^[-+]?\d+$/.test(text)) throw unreadable(key, text, 'not a whole number', write);
      const value = Number(text);
      if (value < min) throw outOfBounds(key, text, `less than ${min}`, write);
      if (value > max) throw outOfBounds(key, text, `more than ${max}`, write);
      return value;
    },
  };
}

/** A size in bytes; `minText` is the smallest one allowed. */
export function size(minText: string): ValueType<number> {
  const min = parseSize(minText);
  return {
    syntax: 'SIZE',
    parse(text, key) {
      const example = `for instance ${key}=512M or ${key}=2G`;
      const write = `Write digits and one of the units K, M, G, T (B or iB may follow), ${example}`;
      if (/^-/.test(text)) throw outOfBounds(key, text, 'a negative size', write);
      if (/^\d+$/.test(text)) throw unreadable(key, text, 'no unit', write);
      if (/^\d*[.,]\d+/.test(text)) throw unreadable(key, text, 'not a whole number', write);
      if (!/^\d/.test(text)) throw unreadable(key, text, 'not a size', write);
      let bytes: number;
      try {
        bytes = parseSize(text);
      } catch {
        throw unreadable(key, text, 'not a size', write);
      }
      if (bytes < min) {
        throw outOfBounds(key, text, `less than ${minText}`, `The least is ${key}=${minText}`);
      }
      return bytes;
    },
  };
}

const TRUE = ['true', 'yes', 'on', 'enabled'];
const FALSE = ['false', 'no', 'off', 'disabled'];

/** Yes or no, in every spelling of the 2018 system: there 0 was yes and 1 was no, as for a shell. */
export function yesOrNo(): ValueType<boolean> {
  return {
    syntax: 'true|false',
    words: ['true', 'false'],
    parse(text, key) {
      const word = text.toLowerCase();
      if (TRUE.includes(word) || word === '0') return true;
      if (FALSE.includes(word) || word === '1') return false;
      throw unreadable(key, text, 'neither true nor false', `Write ${key}=true or ${key}=false`);
    },
    warn(text, key) {
      if (text !== '0' && text !== '1') return undefined;
      const meant = text === '0';
      return `${key}=${text} means ${meant} (0 is true and 1 is false, as for a shell); the clear spelling is ${key}=${meant}`;
    },
  };
}

/** One of some words, in any case. */
export function oneOf<const T extends string>(...words: readonly T[]): ValueType<T> {
  return {
    syntax: words.join('|'),
    words,
    parse(text, key) {
      const word = words.find((each) => each === text.toLowerCase());
      if (word !== undefined) return word;
      const meant = nearest(text, words);
      const hint = `Write one of: ${words.join(', ')}`;
      throw unreadable(key, text, 'not known', meant === undefined ? hint : `Did you mean ${key}=${meant}? ${hint}`);
    },
  };
}

/** Any text that is not empty and has no control characters. */
export function text(syntax: string): ValueType<string> {
  return {
    syntax,
    parse(value, key) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is refused
      if (/[\x00-\x1f\x7f]/.test(value)) {
        throw unreadable(key, value, 'control characters in it', 'Remove them');
      }
      return value;
    },
  };
}
