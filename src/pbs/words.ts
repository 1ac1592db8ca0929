import type { VtorqueError } from '../base/index.ts';
import { qsubError } from './errors.ts';

/** White space as the C library has it. */
export const BLANK = /[ \t\n\v\f\r]/;

/**
 * Split the text of a directive into words as qsub does: quotes of both kinds without escapes inside, a backslash
 * outside of quotes takes the next character as it is.
 * @throws VtorqueError `E_QSUB` (exit code 1) for a quote that is not closed
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '"' || char === "'") {
      const end = text.indexOf(char, i + 1);
      if (end < 0) throw unmatchedQuote(char);
      word = (word ?? '') + text.slice(i + 1, end);
      i = end;
    } else if (char === '\\') {
      i++;
      word = (word ?? '') + text.charAt(i);
    } else if (!BLANK.test(char)) {
      word = (word ?? '') + char;
    } else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function unmatchedQuote(quote: string): VtorqueError {
  return qsubError(`qsub: unmatched ${quote}`, 1, `Close the quote ${quote} in the directive`);
}

/** Write one word so that `splitWords` reads it back. It never ends with a backslash, which would continue the line. */
export function quoteWord(word: string): string {
  if (word !== '' && !/[ \t\n\v\f\r"'\\]/.test(word)) return word;
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}
