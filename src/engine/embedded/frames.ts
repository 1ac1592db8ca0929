import type { Duplex } from 'node:stream';
import { PBSE, PbsError } from './protocol.ts';

const NEWLINE = 0x0a;

/** Reads the messages of one connection: lines, and the raw bytes that follow some of them. */
export class FrameReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Duplex) {
    this.#chunks = stream.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  }

  /**
   * The next line, without its end; undefined at the end of the connection.
   * @throws PbsError when it is longer than `limit` bytes or the connection ends in it
   */
  async line(limit: number): Promise<string | undefined> {
    const parts: Buffer[] = [];
    let length = 0;
    for (;;) {
      const end = this.#rest.indexOf(NEWLINE);
      const part = end < 0 ? this.#rest : this.#rest.subarray(0, end);
      length += part.length;
      if (length > limit) throw new PbsError(PBSE.PROTOCOL, 'request is too long');
      parts.push(part);
      this.#rest = end < 0 ? Buffer.alloc(0) : this.#rest.subarray(end + 1);
      if (end >= 0) return Buffer.concat(parts).toString('utf8');
      if (!(await this.#more())) {
        if (length === 0) return undefined;
        throw new PbsError(PBSE.PROTOCOL, 'connection ended within a request');
      }
    }
  }

  /**
   * Exactly `length` raw bytes, in pieces.
   * @throws PbsError when the connection ends before
   */
  async *body(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#more())) {
        throw new PbsError(PBSE.PROTOCOL, 'connection ended within a script');
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** Everything that is still to come, as it comes. */
  async *rest(): AsyncGenerator<Buffer> {
    while (this.#rest.length > 0 || (await this.#more())) {
      const piece = this.#rest;
      this.#rest = Buffer.alloc(0);
      yield piece;
    }
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done) return false;
    this.#rest = value;
    return true;
  }
}

export function encodeLine(message: object): string {
  return `${JSON.stringify(message)}\n`;
}
