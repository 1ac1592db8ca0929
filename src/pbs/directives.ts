import type { VtorqueError } from '../base/index.ts';
import { qsubError } from './errors.ts';
import { BLANK, splitWords } from './words.ts';

/** One directive of a script: one line, or several that are joined by a backslash at their ends. */
export interface Directive {
  /** Numbers of its first and its last line, from 1. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** Where its bytes stand in the script: from the start of the first line to behind the last line end. */
  readonly start: number;
  readonly end: number;
  /** The joined line without its line end, as Latin-1, so that every byte is one character. */
  readonly line: string;
  /** What follows the prefix, as Latin-1. */
  readonly text: string;
  /** The words of `text`, as UTF-8. Empty when `error` is there. */
  readonly words: readonly string[];
  /** What qsub says about its quotes. */
  readonly error?: VtorqueError;
}

export interface DirectiveScan {
  readonly directives: readonly Directive[];
  /** Where the scan stopped: the start of the first line that a shell would execute, or the end of the script. */
  readonly headEnd: number;
  /** The script ends in the middle of a directive: fatal for qsub. */
  readonly error?: VtorqueError;
}

export const DEFAULT_PREFIX = '#PBS';

// qsub reads lines into a buffer of this size, its end mark included; a longer line counts as several.
const LINE_BUFFER = 32768;
const LF = 0x0a;
const CR = 0x0d;

/**
 * Find the directives of a script by the rules of the real qsub: blanks may stand before the prefix, none is needed
 * behind it; the scan stops at the first line that is neither blank nor a comment nor starts with a colon.
 * @param prefix an empty one switches directives off
 */
export function scanDirectives(script: Uint8Array, prefix: string = DEFAULT_PREFIX): DirectiveScan {
  const bytes = Buffer.from(script.buffer, script.byteOffset, script.byteLength);
  const rawPrefix = Buffer.from(prefix).toString('latin1');
  const directives: Directive[] = [];
  let lineNumber = 1;
  for (let at = 0; at < bytes.length; ) {
    const start = at;
    const firstLine = lineNumber;
    at = pieceEnd(bytes, at, LINE_BUFFER - 1);
    lineNumber += endsLine(bytes, at);
    let line = pieceText(bytes, start, at);
    const behindPrefix = textBehind(line, rawPrefix);
    if (behindPrefix === undefined) {
      if (isExecutable(line)) return { directives, headEnd: start };
      continue;
    }
    while (line.endsWith('\\\n')) {
      line = line.slice(0, -2);
      if (at >= bytes.length) return { directives, headEnd: at, error: unexpectedEnd() };
      const from = at;
      at = pieceEnd(bytes, at, Math.max(1, LINE_BUFFER - 1 - line.length));
      lineNumber += endsLine(bytes, at);
      line += cText(bytes.toString('latin1', from, at));
    }
    const text = textBehind(line, rawPrefix) ?? '';
    directives.push({
      firstLine,
      lastLine: lineNumber - endsLine(bytes, at),
      start,
      end: at,
      line: withoutLineEnd(line),
      text: withoutLineEnd(text),
      ...readWords(text),
    });
  }
  return { directives, headEnd: bytes.length };
}

/** The end of what one read of a line takes. */
function pieceEnd(bytes: Buffer, from: number, limit: number): number {
  const lineEnd = bytes.indexOf(LF, from);
  return Math.min(lineEnd < 0 ? bytes.length : lineEnd + 1, from + limit);
}

function endsLine(bytes: Buffer, at: number): 0 | 1 {
  return bytes[at - 1] === LF ? 1 : 0;
}

/** One line as qsub sees it: a DOS line end (they are refused in files, not on standard input) counts as a plain one. */
function pieceText(bytes: Buffer, from: number, to: number): string {
  const dos = to - from >= 2 && bytes[to - 1] === LF && bytes[to - 2] === CR;
  return cText(dos ? `${bytes.toString('latin1', from, to - 2)}\n` : bytes.toString('latin1', from, to));
}

/** C strings end at a NUL. */
function cText(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function withoutLineEnd(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

function textBehind(line: string, prefix: string): string | undefined {
  const start = firstNonBlank(line);
  return prefix !== '' && line.startsWith(prefix, start) ? line.slice(start + prefix.length) : undefined;
}

function isExecutable(line: string): boolean {
  if (line.startsWith(':')) return false;
  const start = firstNonBlank(line);
  return start < line.length && line.charAt(start) !== '#';
}

function firstNonBlank(line: string): number {
  let at = 0;
  while (at < line.length && BLANK.test(line.charAt(at))) at++;
  return at;
}

function readWords(text: string): { words: string[]; error?: VtorqueError } {
  try {
    return { words: splitWords(text).map((word) => Buffer.from(word, 'latin1').toString('utf8')) };
  } catch (error) {
    return { words: [], error: error as VtorqueError };
  }
}

function unexpectedEnd(): VtorqueError {
  return qsubError(
    'qsub: unexpected end-of-file or read error in script',
    1,
    'Remove the backslash at the end of the last directive',
  );
}
