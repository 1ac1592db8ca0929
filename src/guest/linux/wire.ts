/** Integers and lists of a payload, put one after the other. */
export class PayloadWriter {
  readonly #pieces: Uint8Array[] = [];

  u8(value: number): this {
    return this.#number(1, (b) => b.writeUInt8(value));
  }

  u16(value: number): this {
    return this.#number(2, (b) => b.writeUInt16BE(value));
  }

  u32(value: number): this {
    return this.#number(4, (b) => b.writeUInt32BE(value));
  }

  u64(value: bigint): this {
    return this.#number(8, (b) => b.writeBigUInt64BE(value));
  }

  bytes(value: Uint8Array): this {
    this.#pieces.push(value);
    return this;
  }

  /** A LIST: how many, then each with its length. */
  list(items: readonly (string | Uint8Array)[]): this {
    this.u16(items.length);
    for (const item of items) {
      const bytes = typeof item === 'string' ? Buffer.from(item) : item;
      this.u32(bytes.length).bytes(bytes);
    }
    return this;
  }

  done(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  #number(size: number, write: (b: Buffer) => void): this {
    const bytes = Buffer.alloc(size);
    write(bytes);
    this.#pieces.push(bytes);
    return this;
  }
}

/** The same, read. What is missing reads as zeros and sets `bad`. */
export class PayloadReader {
  readonly #bytes: Buffer;
  #at = 0;
  bad = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  u8(): number {
    return this.take(1).readUInt8();
  }

  u16(): number {
    return this.take(2).readUInt16BE();
  }

  u32(): number {
    return this.take(4).readUInt32BE();
  }

  u64(): bigint {
    return this.take(8).readBigUInt64BE();
  }

  take(size: number): Buffer {
    if (this.#bytes.length - this.#at < size) {
      this.bad = true;
      return Buffer.alloc(Math.min(size, 8));
    }
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at);
  }

  list(): Buffer[] {
    const items: Buffer[] = [];
    for (let left = this.u16(); left > 0 && !this.bad; left--) items.push(this.take(this.u32()));
    if (this.#at !== this.#bytes.length) this.bad = true;
    return this.bad ? [] : items;
  }
}
