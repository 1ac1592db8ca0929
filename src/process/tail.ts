import type { Readable } from 'node:stream';

/** Terminal control sequences that a guest's firmware and kernel write between the lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const control = /\x1b\[[0-9;?]*[A-Za-z]|\x1bc|[\x00-\x08\x0b-\x1f\x7f]/g;

/** The last lines of a stream, for the error message when something fails. */
export class Tail {
  readonly #limit: number;
  #lines: string[] = [];
  #rest = '';

  constructor(stream: Readable, limit = 30) {
    this.#limit = limit;
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.#add(text));
    // A dying machine resets its streams; who watches the process reports that.
    stream.on('error', () => {});
  }

  /** Newest last; at most the limit given. */
  get lines(): readonly string[] {
    return [...this.#lines, this.#rest]
      .map((line) => line.replace(control, '').trimEnd())
      .filter((line) => line !== '');
  }

  #add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    // A guest that never ends its line must not fill our memory.
    this.#rest = (lines.pop() ?? '').slice(-4096);
    this.#lines = [...this.#lines, ...lines].slice(-this.#limit + 1);
  }
}
