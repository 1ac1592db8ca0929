import { VtorqueError } from '../../base/index.ts';

/** Version of the protocol that this side speaks; the whole of it is described in docs/guest-protocol.md. */
export const protocolVersion = 1;
export const headerSize = 9;
export const maxPayload = 65_536;
export const magic = Buffer.from('vtorque.agent/1\n', 'latin1');

export const hostFrame = {
  hello: 0x01,
  call: 0x02,
  exec: 0x03,
  stdin: 0x04,
  credit: 0x05,
  signal: 0x06,
  resize: 0x07,
  part: 0x08,
  accept: 0x09,
} as const;

export const guestFrame = {
  hello: 0x81,
  reply: 0x82,
  started: 0x83,
  stdout: 0x84,
  stderr: 0x85,
  credit: 0x86,
  exit: 0x87,
  failed: 0x88,
  error: 0x89,
} as const;

export interface Frame {
  readonly type: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** The bytes of one frame, in two pieces so that a large payload need not be copied. */
export function encodeFrame(type: number, id: number, payload: Uint8Array = Buffer.alloc(0)): [Buffer, Uint8Array] {
  const header = Buffer.allocUnsafe(headerSize);
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt8(type, 4);
  header.writeUInt32BE(id, 5);
  return [header, payload];
}

/** @throws VtorqueError `E_GUEST_PROTOCOL`, always */
export function protocolError(what: string): never {
  throw new VtorqueError('E_GUEST_PROTOCOL', `Cannot understand the guest's agent: ${what}`, { phase: 'guest' });
}

/**
 * Frames out of a byte stream that arrives in any pieces. Everything before the guest's HELLO with `nonce` is thrown
 * away, so that it does not matter where a predecessor on the same port stopped reading.
 */
export class FrameDecoder {
  readonly #nonce: Buffer;
  #found = false;
  #broken = false;
  /** Bytes before a whole header, or (while hunting) before a whole HELLO. */
  #rest = Buffer.alloc(0);
  /** The frame whose payload is still arriving, and how much of it is there. */
  #open: { readonly frame: Frame; filled: number } | undefined;

  readonly #take: (frame: Frame) => void;

  /** @param take gets each frame, in order; payloads may share memory with the bytes that came in */
  constructor(nonce: Uint8Array, take: (frame: Frame) => void) {
    this.#nonce = Buffer.from(nonce);
    this.#take = take;
  }

  /**
   * Take the next bytes. After an error the stream is given up: further bytes are dropped.
   * @throws VtorqueError `E_GUEST_PROTOCOL`, once; whatever `take` throws
   */
  push(bytes: Buffer): void {
    if (this.#broken) return;
    let chunk = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = Buffer.alloc(0);
    if (!this.#found) {
      const at = this.#hunt(chunk);
      if (!this.#found) {
        this.#rest = Buffer.from(chunk.subarray(at));
        return;
      }
      chunk = chunk.subarray(at);
    }
    this.#frames(chunk);
  }

  /** Where the HELLO begins, or how much can be thrown away because none begins there. */
  #hunt(chunk: Buffer): number {
    const before = headerSize + magic.length + 2;
    for (let at = chunk.indexOf(this.#nonce); at >= 0; at = chunk.indexOf(this.#nonce, at + 1)) {
      const start = at - before;
      if (start < 0) continue;
      const isHello = chunk[start + 4] === guestFrame.hello && chunk.readUInt32BE(start + 5) === 0;
      if (isHello && chunk.subarray(start + headerSize).indexOf(magic) === 0) {
        this.#found = true;
        return start;
      }
    }
    return Math.max(0, chunk.length - (before + this.#nonce.length - 1));
  }

  #frames(chunk: Buffer): void {
    let at = 0;
    for (;;) {
      if (this.#open !== undefined) {
        const { frame } = this.#open;
        const copied = chunk.copy(frame.payload, this.#open.filled, at);
        at += copied;
        this.#open.filled += copied;
        if (this.#open.filled < frame.payload.length) return;
        this.#open = undefined;
        this.#take(frame);
      }
      if (chunk.length - at < headerSize) break;
      const length = chunk.readUInt32BE(at);
      const type = chunk.readUInt8(at + 4);
      const id = chunk.readUInt32BE(at + 5);
      if (length > maxPayload) {
        this.#broken = true;
        protocolError(`it announced a payload of ${length} bytes`);
      }
      at += headerSize;
      if (chunk.length - at >= length) {
        this.#take({ type, id, payload: chunk.subarray(at, at + length) });
        at += length;
      } else {
        this.#open = { frame: { type, id, payload: Buffer.allocUnsafe(length) }, filled: 0 };
      }
    }
    this.#rest = Buffer.from(chunk.subarray(at));
  }
}
