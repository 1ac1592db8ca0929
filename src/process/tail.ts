import type { Readable } from 'node:stream';

/** Terminal control sequences that a guest's firmware and kernel write between the lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const control = /\x1b\[[0-9;?]*[A-Za-z]|\x1bc|[\x00-\x08\x0b-\x1f\x7f]/g;

/** Progress is written over itself, with nothing but carriage returns. */
const lineEnd = /\r?\n|\r/;

/** The lines of a text that have something in them, as one reads them. Pure. */
export function linesOf(text: string): string[] {
  return text
    .split(lineEnd)
    .map((line) => line.replace(control, '').trimEnd())
    .filter((line) => line !== '');
}

const LIMIT = 30;

/** The last lines of a stream, for the error message when something fails. */
export class Tail {
  readonly #onLine: ((line: string) => void) | undefined;
  #lines: string[] = [];
  #rest = '';

  /** @param onLine called with each line as it comes */
  constructor(stream: Readable, onLine?: (line: string) => void) {
    this.#onLine = onLine;
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.#add(text));
    // A dying machine resets its streams; who watches the process reports that.
    stream.on('error', () => {});
  }

  /** Newest last; at most 30. */
  get lines(): readonly string[] {
    return linesOf([...this.#lines, this.#rest].join('\n'));
  }

  #add(text: string): void {
    const lines = (this.#rest + text).split(lineEnd);
    // A guest that never ends its line must not fill our memory.
    this.#rest = (lines.pop() ?? '').slice(-4096);
    for (const line of lines) this.#onLine?.(line);
    this.#lines = [...this.#lines, ...lines].slice(-LIMIT + 1);
  }
}
