/**
 * A frame on its way between a node's tap and another node: four bytes with the length of what follows, the highest first;
 * the virtio_net_hdr of the kernel, which says how the rest is still to be cut and summed up; the Ethernet frame.
 */
export const LENGTH_BYTES = 4;
export const VNET_BYTES = 10;
/** Where the Ethernet frame begins, counted from the length on. */
export const ETHERNET_AT = LENGTH_BYTES + VNET_BYTES;
const ETHERNET_BYTES = 14;
/** The largest that a kernel makes is 64 KiB and its headers. */
export const LONGEST_FRAME = 68 * 1024;
/** So much of a frame is looked at: an ARP request whole, and of IPv4 the addresses and the ports. */
export const HEAD_BYTES = ETHERNET_AT + 42;

/** Cuts a stream of frames, however its bytes arrive. Pure. */
export class FrameCutter {
  #rest: Buffer[] = [];
  #have = 0;
  #length: number | undefined;

  /**
   * @returns whole frames, each in as many pieces as it came in, with their lengths before them
   * @throws Error when that is no such stream
   */
  *cut(chunk: Buffer): Generator<readonly [Buffer, ...Buffer[]]> {
    let at = 0;
    // What began in an earlier chunk.
    if (this.#have > 0) {
      at = this.#complete(chunk);
      if (this.#length === undefined || this.#have < this.#length) return;
      const [first, ...others] = this.#rest;
      this.#rest = [];
      this.#have = 0;
      this.#length = undefined;
      if (first !== undefined) yield [first, ...others];
    }
    while (chunk.length - at >= LENGTH_BYTES) {
      const length = readLength(chunk, at);
      if (chunk.length - at < length) break;
      yield [chunk.subarray(at, at + length)];
      at += length;
    }
    if (at < chunk.length) this.#keep(chunk.subarray(at));
  }

  /** Add to the frame that is not whole; returns how much of the chunk that took. */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#length === undefined) {
      at = Math.min(LENGTH_BYTES - this.#have, chunk.length);
      this.#keep(Buffer.concat([...this.#rest.splice(0), chunk.subarray(0, at)]), at);
      if (this.#length === undefined) return at;
    }
    const taken = Math.min((this.#length as number) - this.#have, chunk.length - at);
    if (taken > 0) this.#keep(chunk.subarray(at, at + taken));
    return at + taken;
  }

  /** @param added how many of the bytes are new */
  #keep(bytes: Buffer, added = bytes.length): void {
    this.#rest.push(bytes);
    this.#have += added;
    if (this.#length === undefined && this.#have >= LENGTH_BYTES) this.#length = readLength(bytes, 0);
  }
}

/** Of a frame with what stands before it. */
function readLength(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at);
  if (length < VNET_BYTES + ETHERNET_BYTES || length > LONGEST_FRAME) throw new Error(`a frame of ${length} bytes`);
  return LENGTH_BYTES + length;
}

/** The first bytes of a frame that may be in several pieces, as far as they are looked at. */
export function headOf(pieces: readonly [Buffer, ...Buffer[]]): Buffer {
  const [first] = pieces;
  return pieces.length === 1 || first.length >= HEAD_BYTES ? first : Buffer.concat(pieces).subarray(0, HEAD_BYTES);
}
