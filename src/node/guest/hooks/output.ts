/** Of each hook's output so much is kept. */
export const LOG_BYTES = 256 * 1024;
/** So much of its end is shown with an error. */
const LAST_LINES = 20;
const LAST_BYTES = 4096;

/** What a hook prints: the beginning goes on, of the rest the last lines are remembered. */
export class HookOutput {
  readonly #write: (bytes: Buffer) => void;
  #written = 0;
  #tail = Buffer.alloc(0);

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  take(bytes: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, bytes]).subarray(-LAST_BYTES);
    const room = LOG_BYTES - this.#written;
    if (bytes.length === 0 || room < 0) return;
    if (room > 0) this.#write(bytes.subarray(0, room));
    this.#written += bytes.length;
    if (bytes.length > room) this.#write(Buffer.from(`\n[more than ${LOG_BYTES / 1024} KiB: the rest is not kept]\n`));
  }

  /** The last lines, as a terminal may show them. */
  lines(): string[] {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is removed
    const text = this.#tail.toString('utf8').replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-LAST_LINES);
  }
}
