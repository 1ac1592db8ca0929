import { timingSafeEqual } from 'node:crypto';
import { COOKIE_PROTOCOL } from './display.ts';

/** What to do with a connection of which more bytes have come. */
export type SetupStep =
  /** The first packet is not whole yet. */
  | { readonly kind: 'more' }
  /** Send this on, and all that follows as it comes. */
  | { readonly kind: 'pass'; readonly bytes: Buffer }
  /** Answer this, and close. */
  | { readonly kind: 'refuse'; readonly answer: Buffer };

const HEADER = 12;
/** No authorization that there is needs more. */
const MAX_FIELD = 1024;

/**
 * Looks at the first packet of an X client, and puts the real cookie where the client has the one that it was given. So a
 * client never needs to know the real one, and without the one given it gets nowhere.
 */
export class SetupFilter {
  readonly #given: Buffer;
  readonly #real: Buffer;
  #bytes = Buffer.alloc(0);

  constructor(given: Buffer, real: Buffer) {
    this.#given = given;
    this.#real = real;
  }

  /** Take the next bytes of the client; not to be called again after `pass` or `refuse`. */
  push(chunk: Buffer): SetupStep {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const bytes = this.#bytes;
    if (bytes.length === 0) return { kind: 'more' };
    const little = bytes[0] === 0x6c;
    if (!little && bytes[0] !== 0x42) return refusal(true, 'This is not a connection of the X protocol');
    if (bytes.length < HEADER) return { kind: 'more' };
    const u16 = (at: number): number => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
    const [nameLength, dataLength] = [u16(6), u16(8)];
    if (nameLength > MAX_FIELD || dataLength > MAX_FIELD) return refusal(little, 'Authorization is too long');
    const dataAt = HEADER + padded(nameLength);
    const end = dataAt + padded(dataLength);
    if (bytes.length < end) return { kind: 'more' };
    const name = bytes.toString('latin1', HEADER, HEADER + nameLength);
    const data = bytes.subarray(dataAt, dataAt + dataLength);
    const right = data.length === this.#given.length && timingSafeEqual(data, this.#given);
    if (name !== COOKIE_PROTOCOL || !right) return refusal(little, 'Wrong authorization for this forwarded display');
    const header = Buffer.from(bytes.subarray(0, dataAt));
    if (little) header.writeUInt16LE(this.#real.length, 8);
    else header.writeUInt16BE(this.#real.length, 8);
    const cookie = Buffer.alloc(padded(this.#real.length));
    this.#real.copy(cookie);
    return { kind: 'pass', bytes: Buffer.concat([header, cookie, bytes.subarray(end)]) };
  }
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** What a server of X 11.0 answers whom it does not want. */
function refusal(little: boolean, reason: string): SetupStep {
  const text = Buffer.alloc(padded(reason.length + 1));
  text.write(`${reason}\n`, 'latin1');
  const header = Buffer.from([
    0,
    reason.length + 1,
    ...[11, 0, text.length / 4].flatMap((n) => (little ? [n, 0] : [0, n])),
  ]);
  return { kind: 'refuse', answer: Buffer.concat([header, text]) };
}
