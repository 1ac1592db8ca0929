import { formatSize, parseSize } from '../../base/index.ts';

/** How a value of the configuration is read. `read` throws a plain Error that says what was wanted. */
export interface ConfigType<T> {
  /** For the reference page. */
  readonly syntax: string;
  readonly unit?: string;
  read(value: unknown): T;
  /** As it would stand in the file. */
  write(value: T): string;
}

const quote = (text: string): string => JSON.stringify(text);

export const yesOrNo: ConfigType<boolean> = {
  syntax: 'true or false',
  read(value) {
    if (typeof value === 'boolean') return value;
    throw new Error('wanted is true or false, without quotes');
  },
  write: String,
};

export function whole(unit: string, min = 0): ConfigType<number> {
  return {
    syntax: 'whole number',
    unit,
    read(value) {
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value;
      throw new Error(`wanted is a whole number of ${unit} from ${min} on, without quotes`);
    },
    write: String,
  };
}

/** @param unit what it counts */
export function between(unit: string, min: number, max: number): ConfigType<number> {
  return {
    syntax: 'whole number',
    unit: `${unit}, ${min} to ${max}`,
    read(value) {
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
      throw new Error(`wanted is a whole number from ${min} to ${max}, without quotes`);
    },
    write: String,
  };
}

/** First and last of some numbers. */
export function numberRange(min: number, max: number): ConfigType<readonly [number, number]> {
  return {
    syntax: 'two numbers in quotes with - between them',
    unit: `${min} to ${max}`,
    read(value) {
      const [, first, last] = /^(\d{1,9})-(\d{1,9})$/.exec(String(value)) ?? [];
      const range = [Number(first), Number(last)] as const;
      if (range[0] >= min && range[0] <= range[1] && range[1] <= max) return range;
      throw new Error(`wanted is a range from ${min} to ${max}, for instance "${min}-${max}"`);
    },
    write: (value) => quote(value.join('-')),
  };
}

/** Bytes. */
export const bytes: ConfigType<number> = {
  syntax: 'size in quotes',
  unit: 'K, M, G or T (powers of 1024)',
  read(value) {
    if (value === 0) return 0;
    try {
      return parseSize(typeof value === 'string' ? value : '');
    } catch {
      throw new Error('wanted is a size with a unit in quotes, for instance "24G"');
    }
  },
  write: (value) => (value === 0 ? '0' : quote(formatSize(value))),
};

/** Seconds. */
export const duration: ConfigType<number> = {
  syntax: 'time in quotes, or seconds',
  unit: 's, m or h; seconds without a unit',
  read(value) {
    const [, digits = '', unit = 's'] = /^(\d{1,7})([smh])?$/.exec(String(value)) ?? [];
    const seconds = Number(digits) * { s: 1, m: 60, h: 3600 }[unit as 's' | 'm' | 'h'];
    if (digits !== '') return seconds;
    throw new Error('wanted is a time, for instance 180 or "3m"');
  },
  write: String,
};

/** Seconds within which something must end: a day at most. */
export const limit: ConfigType<number> = {
  ...duration,
  read(value) {
    const seconds = duration.read(value);
    if (seconds >= 1 && seconds <= 86_400) return seconds;
    throw new Error('wanted is a time from 1 s to 24 h');
  },
};

export const text: ConfigType<string> = {
  syntax: 'text in quotes',
  read(value) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is refused
    if (typeof value === 'string' && !/[\x00-\x1f\x7f]/.test(value)) return value;
    throw new Error('wanted is a text in quotes, on one line');
  },
  write: quote,
};

/** Of a network device, or nothing. The words of tools are made of it. */
export const deviceName: ConfigType<string> = {
  syntax: 'name of a device in quotes',
  read(value) {
    if (typeof value === 'string' && /^(?!-)[\w.@:+-]{0,15}$/.test(value)) return value;
    throw new Error('wanted is the name of a network device, for instance "eth0"');
  },
  write: quote,
};

/** An absolute path, or nothing. */
export const absolutePath: ConfigType<string> = {
  syntax: 'absolute path in quotes',
  read(value) {
    const path = text.read(value);
    if (path === '' || path.startsWith('/')) return path;
    throw new Error('wanted is a path that begins with /');
  },
  write: quote,
};

export function choice<const T extends string>(...words: readonly T[]): ConfigType<T> {
  return {
    syntax: words.map(quote).join(', '),
    read(value) {
      const word = words.find((each) => each === value);
      if (word !== undefined) return word;
      throw new Error(`wanted is one of ${words.map(quote).join(', ')}`);
    },
    write: quote,
  };
}

/** @param fits what each of them must be besides a text */
export function list(of: string, fits: (word: string) => boolean = () => true): ConfigType<readonly string[]> {
  return {
    syntax: `list of ${of}`,
    read(value) {
      if (!Array.isArray(value)) throw new Error(`wanted is a list of ${of}, in brackets`);
      return value.map((each) => {
        const word = text.read(each);
        if (fits(word)) return word;
        throw new Error(`${quote(word)} is none of the ${of}`);
      });
    },
    write: (value) => `[${value.map(quote).join(', ')}]`,
  };
}

/** A table whose values are lists: who may use which images. */
export function lists(keys: string, of: string): ConfigType<Readonly<Record<string, readonly string[]>>> {
  const entry = list(of);
  return {
    syntax: `table: ${keys} = list of ${of}`,
    read(value) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw new Error(`wanted is a table of ${keys} = ["..."]`);
      }
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, entry.read(each)]));
    },
    write: (value) =>
      `{ ${Object.entries(value)
        .map(([k, v]) => `${quote(k)} = ${entry.write(v)}`)
        .join(', ')} }`.replace('{  }', '{}'),
  };
}

/** Whether a name is covered by patterns such as `gpu*` or `n?`. Nothing else has a meaning in them. */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const source = [...pattern].map((char) => (char === '*' ? '.*' : char === '?' ? '.' : literal(char))).join('');
    return new RegExp(`^${source}$`, 's').test(name);
  });
}

function literal(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
