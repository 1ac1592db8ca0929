/** One assignment of a shell script, with quotes taken away and earlier variables put in. */
export interface Assignment {
  readonly name: string;
  readonly line: number;
  /** One word; several in parentheses (an array). Undefined when only a shell could tell the value. */
  readonly words?: readonly string[];
}

/**
 * Find the assignments of a shell script by reading it. Nothing is executed: what a shell would have to compute
 * (commands, arithmetic, expansions with operators) has no value here. Of an assignment that depends on a condition
 * nothing is known either; it counts like any other.
 */
export function readAssignments(script: string): Assignment[] {
  const found: Assignment[] = [];
  const known = new Map<string, readonly string[]>();
  const lines = script.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const start = /^\s*(?:(?:export|readonly|declare(?: -\w+)?)\s+)?([A-Za-z_]\w*)=(.*)$/s;
    const [, name, rest = ''] = start.exec(lines[index] ?? '') ?? [];
    if (name === undefined) continue;
    const line = index + 1;
    let text = rest;
    // A value goes on while a quote or the parenthesis of an array is open, or a backslash ends the line.
    let result = readValue(text, known);
    while (result === 'open' && index + 1 < lines.length) {
      text += `\n${lines[++index]}`;
      result = readValue(text, known);
    }
    if (result === 'open' || result === 'unknown') {
      known.delete(name);
      found.push({ name, line });
    } else {
      known.set(name, result);
      found.push({ name, line, words: result });
    }
  }
  return found;
}

function readValue(
  text: string,
  known: ReadonlyMap<string, readonly string[]>,
): readonly string[] | 'open' | 'unknown' {
  const array = text.startsWith('(');
  const words: string[] = [];
  let word: string | undefined = array ? undefined : '';
  for (let i = array ? 1 : 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === "'") {
      const end = text.indexOf("'", i + 1);
      if (end < 0) return 'open';
      word = (word ?? '') + text.slice(i + 1, end);
      i = end;
    } else if (char === '"') {
      const end = closingQuote(text, i + 1);
      if (end < 0) return 'open';
      const inner = expand(text.slice(i + 1, end), known);
      if (inner === undefined) return 'unknown';
      word = (word ?? '') + inner.replace(/\\(["\\$`\n])/g, (_, c: string) => (c === '\n' ? '' : c));
      i = end;
    } else if (char === '\\') {
      if (i + 1 >= text.length) return 'open';
      const next = text.charAt(++i);
      if (next !== '\n') word = (word ?? '') + next;
    } else if (char === '$') {
      const [whole = ''] = /^\$(\{\w+(\[@\])?\}|\w+)/.exec(text.slice(i)) ?? [];
      const value = whole === '' ? undefined : expand(whole, known);
      if (value === undefined) return 'unknown';
      word = (word ?? '') + value;
      i += whole.length - 1;
    } else if (char === '`' || (char === '(' && !array)) {
      return 'unknown';
    } else if (array && char === ')') {
      if (word !== undefined) words.push(word);
      return words;
    } else if (array && char === '#' && word === undefined) {
      const end = text.indexOf('\n', i);
      if (end < 0) return 'open';
      i = end;
    } else if (/[\s;&|]/.test(char)) {
      if (!array) return [word ?? ''];
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  return array ? 'open' : [word ?? ''];
}

function closingQuote(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (text.charAt(i) === '\\') i++;
    else if (text.charAt(i) === '"') return i;
  }
  return -1;
}

/** Put in the values of variables; undefined when there is more to expand than those that are known. */
function expand(text: string, known: ReadonlyMap<string, readonly string[]>): string | undefined {
  let complete = true;
  const expanded = text.replace(
    /\\.|\$(?:\{(\w+)(?:\[@\])?\}|([A-Za-z_]\w*))|[$`]/gs,
    (whole, a?: string, b?: string) => {
      if (whole.startsWith('\\')) return whole;
      const value = known.get(a ?? b ?? '');
      if (value === undefined) complete = false;
      return value?.join(' ') ?? '';
    },
  );
  return complete ? expanded : undefined;
}
