import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { messageOf, VtorqueError } from '../../base/index.ts';
import { errnoName, errnoText } from './errno.ts';
import type { ExecSpec } from './exec-spec.ts';
import { encodeFrame, FrameDecoder, headerSize, hostFrame, maxPayload } from './frame.ts';
import {
  acceptStart,
  type GuestConnection,
  type GuestProcess,
  GuestStream,
  programStart,
  type StreamStart,
} from './process.ts';
import { callPayload, type GuestHello, type GuestMessage, helloPayload, readGuestFrame } from './protocol.ts';

/** A call that the agent answered with an error. */
export class GuestCallError extends VtorqueError {
  /** Name of the guest's errno, for instance `EACCES`. */
  readonly errno: string;

  constructor(action: string, errno: number, what: string) {
    const code = errnoName(errno) === 'ECANCELED' ? 'E_GUEST_SKIPPED' : 'E_GUEST_CALL';
    const detail = what === '' || action.includes(what) ? '' : `${what}: `;
    super(code, `Cannot ${action} in the guest: ${detail}${errnoText(errno)}`, { phase: 'guest' });
    this.errno = errnoName(errno);
  }
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Run only if the calls before it succeeded, back to the nearest that is not chained. */
  readonly chained?: boolean | undefined;
  /** For the error's text: what the call is to do. */
  readonly action?: string;
}

interface Waiting {
  readonly action: string;
  resolve(items: readonly Buffer[]): void;
  reject(error: Error): void;
}

/** Frames on a byte stream, sorted to the calls and programs that they belong to. */
export class Connection {
  /** Resolves, with the reason, when nothing more can come from the guest. */
  readonly lost: Promise<VtorqueError>;
  readonly #lose = Promise.withResolvers<VtorqueError>();
  readonly #duplex: Duplex;
  readonly #nonce = randomBytes(16);
  readonly #decoder = new FrameDecoder(this.#nonce, (frame) => this.#take(readGuestFrame(frame)));
  readonly #hello = Promise.withResolvers<GuestHello>();
  readonly #calls = new Map<number, Waiting>();
  readonly #streams = new Map<number, GuestStream>();
  #instance: bigint | undefined;
  #error: VtorqueError | undefined;
  #lastId = 0;

  constructor(duplex: Duplex, { resync, reset }: { readonly resync: boolean; readonly reset: boolean }) {
    this.#duplex = duplex;
    this.lost = this.#lose.promise;
    this.#hello.promise.catch(() => {});
    duplex.on('data', (bytes: Buffer) => this.#receive(bytes));
    duplex.once('error', (error) => this.#end(`its connection broke: ${messageOf(error)}`, error));
    duplex.once('end', () => this.#end('it closed its connection'));
    duplex.once('close', () => this.#end('its connection is closed'));
    // Fills up whatever frame a predecessor left half sent, and is no frame itself: the agent then looks for the HELLO.
    if (resync) duplex.write(Buffer.alloc(headerSize + maxPayload, 0xff));
    this.#send(hostFrame.hello, 0, helloPayload(this.#nonce, reset));
  }

  hello(signal?: AbortSignal): Promise<GuestHello> {
    return this.#abortable(this.#hello.promise, 'reach the agent of the guest', signal);
  }

  /** @throws GuestCallError; VtorqueError `E_GUEST_LOST`, `E_GUEST_TIMEOUT` (the signal was aborted first) */
  call(name: string, args: readonly (string | Uint8Array)[], options: CallOptions = {}): Promise<readonly Buffer[]> {
    const action = options.action ?? `run "${name}"`;
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const id = this.#newId();
    const { promise, resolve, reject } = Promise.withResolvers<readonly Buffer[]>();
    this.#calls.set(id, { action, resolve, reject });
    this.#send(hostFrame.call, id, callPayload(name, args, options.chained ?? false), true);
    return this.#abortable(promise, action, options.signal);
  }

  exec(spec: ExecSpec): GuestProcess {
    return this.#open(programStart(spec));
  }

  accept(window?: number): GuestConnection {
    return this.#open(acceptStart(window));
  }

  #open(start: StreamStart): GuestStream {
    const id = this.#newId();
    const stream = new GuestStream(id, start, (...frame) => this.#send(...frame));
    if (this.#error === undefined) this.#streams.set(id, stream);
    else stream.lose(this.#error);
    return stream;
  }

  close(): void {
    this.#end('this side closed the connection');
  }

  async #abortable<T>(promise: Promise<T>, action: string, signal: AbortSignal | undefined): Promise<T> {
    if (signal === undefined) return promise;
    promise.catch(() => {});
    const late = Promise.withResolvers<never>();
    const abort = (): void =>
      late.reject(
        new VtorqueError('E_GUEST_TIMEOUT', `Cannot ${action}: no answer until ${messageOf(signal.reason)}`, {
          phase: 'guest',
          cause: signal.reason,
        }),
      );
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([late.promise, promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #newId(): number {
    do this.#lastId = (this.#lastId % 0xffff_fffe) + 1;
    while (this.#calls.has(this.#lastId) || this.#streams.has(this.#lastId));
    return this.#lastId;
  }

  #send(type: number, id: number, payload: Uint8Array, long = false): void {
    if (this.#error !== undefined) return;
    let rest = payload;
    this.#duplex.cork();
    for (; long && rest.length > maxPayload; rest = rest.subarray(maxPayload)) {
      this.#write(hostFrame.part, id, rest.subarray(0, maxPayload));
    }
    this.#write(type, id, rest);
    this.#duplex.uncork();
  }

  #write(type: number, id: number, payload: Uint8Array): void {
    for (const piece of encodeFrame(type, id, payload)) this.#duplex.write(piece);
  }

  #receive(bytes: Buffer): void {
    if (this.#error !== undefined) return;
    try {
      this.#decoder.push(bytes);
    } catch (error) {
      if (!(error instanceof VtorqueError)) throw error;
      this.#fail(error);
    }
  }

  #take(message: GuestMessage): void {
    switch (message.kind) {
      case 'hello':
        this.#instance ??= message.hello.instance;
        if (this.#instance !== message.hello.instance) this.#end('it was started anew');
        else if (message.nonce.equals(this.#nonce)) this.#hello.resolve(message.hello);
        return;
      case 'reply': {
        const waiting = this.#calls.get(message.id);
        this.#calls.delete(message.id);
        const [what = ''] = message.items;
        if (message.errno === 0) waiting?.resolve(message.items);
        else waiting?.reject(new GuestCallError(waiting.action, message.errno, what.toString()));
        return;
      }
      case 'error': {
        const text = `Cannot talk to the agent of the guest: ${message.text}: ${errnoText(message.errno)}`;
        this.#fail(new VtorqueError('E_GUEST_PROTOCOL', text, { phase: 'guest' }));
        return;
      }
      default:
        if (this.#streams.get(message.id)?.take(message)) this.#streams.delete(message.id);
    }
  }

  #end(why: string, cause?: unknown): void {
    const text = `Cannot go on with the guest: ${why}`;
    this.#fail(new VtorqueError('E_GUEST_LOST', text, { phase: 'guest', cause }));
  }

  #fail(error: VtorqueError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#hello.reject(error);
    for (const waiting of this.#calls.values()) waiting.reject(error);
    for (const stream of this.#streams.values()) stream.lose(error);
    this.#calls.clear();
    this.#streams.clear();
    this.#lose.resolve(error);
    this.#duplex.destroy();
  }
}
