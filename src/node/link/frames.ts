import { VtorqueError } from '../../base/index.ts';

/** No message is as long; who claims one does not speak this protocol. */
const LONGEST = 4 * 1024 ** 2;
const HEAD = 4;

/** A message as it travels: the length of its JSON in bytes, four of them, the highest first; then the JSON. Pure. */
export function encodeFrame(message: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(json.length);
  return Buffer.concat([head, json]);
}

/** Puts messages together again, however their bytes arrive. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;

  /**
   * @returns the messages that are complete now
   * @throws VtorqueError `E_NODE_PROTOCOL` for what is no message
   */
  read(chunk: Buffer): Record<string, unknown>[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const messages: Record<string, unknown>[] = [];
    while (this.#length >= HEAD) {
      const rest = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
      if (rest === undefined) break;
      this.#chunks = [rest];
      const length = rest.readUInt32BE();
      if (length > LONGEST) throw protocolError(`a message of ${length} bytes`);
      if (this.#length < HEAD + length) break;
      messages.push(parse(rest.toString('utf8', HEAD, HEAD + length)));
      this.#chunks = [rest.subarray(HEAD + length)];
      this.#length -= HEAD + length;
    }
    return messages;
  }
}

function parse(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw protocolError('text that is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw protocolError('no object');
  return value as Record<string, unknown>;
}

/** For words that no version of this program says. */
export function protocolError(state: string): VtorqueError {
  return new VtorqueError('E_NODE_PROTOCOL', `Cannot understand a node of the job: it sent ${state}`, {
    hint: 'The nodes must have the same version of vTorque',
    phase: 'plan',
  });
}
