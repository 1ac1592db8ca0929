import { constants } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { VtorqueError } from '../../base/index.ts';
import { errnoText } from './errno.ts';
import { type ExecSpec, execPayload } from './exec-spec.ts';
import { hostFrame, maxPayload } from './frame.ts';
import type { GuestMessage, ProcessEnd } from './protocol.ts';
import { PayloadWriter } from './wire.ts';

/** A program that runs in the guest. */
export interface GuestProcess {
  /** Slows down with the program. What is written after the program closed its input is dropped. */
  readonly stdin: Writable;
  /** Must be read (or destroyed): a program whose output nobody takes does not end. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Process id in the guest; rejects as `exit` does when the program cannot be started. */
  readonly started: Promise<number>;
  /**
   * The end of the program itself, after all its output; what it left behind goes on unheard.
   * Rejects with VtorqueError `E_GUEST_EXEC` when it cannot be started, `E_GUEST_LOST` when the guest is gone.
   */
  readonly exit: Promise<ProcessEnd>;
  /** Send a signal to its process group. Nothing happens when it has ended. */
  signal(signal: NodeJS.Signals | number): void;
  /** Change the size of its terminal. */
  resize(columns: number, rows: number): void;
}

/** A connection that a program of the guest made: `stdin` goes to it, `stdout` comes from it. It ends when both have. */
export type GuestConnection = Pick<GuestProcess, 'stdin' | 'stdout' | 'started' | 'exit'> & {
  /** Break it off, whatever is still under way. */
  abort(): void;
};

/** How a stream comes about. */
export interface StreamStart {
  readonly frame: number;
  readonly payload: Uint8Array;
  readonly window: number;
  readonly takesInput: boolean;
  /** For errors: what cannot be done. */
  readonly action: string;
}

export function programStart(spec: ExecSpec): StreamStart {
  const window = spec.window ?? defaultWindow;
  return {
    frame: hostFrame.exec,
    payload: execPayload(spec, window),
    window,
    takesInput: spec.stdin === 'data' || spec.tty !== undefined,
    action: `start "${spec.program ?? spec.argv[0] ?? ''}"`,
  };
}

export function acceptStart(window = defaultWindow): StreamStart {
  const payload = new PayloadWriter().u32(window).done();
  return { frame: hostFrame.accept, payload, window, takesInput: true, action: 'accept a connection' };
}

/** Sends frames; a payload may be longer than one frame if `long`. */
export type SendFrame = (type: number, id: number, payload: Uint8Array, long?: boolean) => void;

const defaultWindow = 1024 ** 2;

/** One stream of the protocol, as the program or the connection that it stands for. */
export class GuestStream implements GuestProcess, GuestConnection {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #started = Promise.withResolvers<number>();
  readonly #exit = Promise.withResolvers<ProcessEnd>();
  readonly #id: number;
  readonly #send: SendFrame;
  readonly #action: string;
  readonly #outputs: readonly [Output, Output];
  /** Bytes of standard input that the agent takes now; it says so with STARTED. */
  #credit = 0;
  #pending: { rest: Buffer; done: () => void } | undefined;
  #over = false;

  constructor(id: number, { frame, payload, window, takesInput, action }: StreamStart, send: SendFrame) {
    this.#id = id;
    this.#send = send;
    this.#action = action;
    this.#outputs = [new Output(window, this.#grant(1)), new Output(window, this.#grant(2))];
    this.stdout = this.#outputs[0].readable;
    this.stderr = this.#outputs[1].readable;
    this.stdin = this.#makeStdin(takesInput);
    // The one promise or the other may have nobody who waits for it.
    this.started.catch(() => {});
    this.exit.catch(() => {});
    send(frame, id, payload, true);
    if (!takesInput) this.stdin.end();
  }

  get started(): Promise<number> {
    return this.#started.promise;
  }

  get exit(): Promise<ProcessEnd> {
    return this.#exit.promise;
  }

  signal(signal: NodeJS.Signals | number): void {
    const number = typeof signal === 'number' ? signal : constants.signals[signal];
    if (!this.#over) this.#send(hostFrame.signal, this.#id, new PayloadWriter().u32(number).done());
  }

  abort(): void {
    this.signal('SIGKILL');
    this.stdin.destroy();
    this.stdout.destroy();
  }

  resize(columns: number, rows: number): void {
    if (!this.#over) this.#send(hostFrame.resize, this.#id, new PayloadWriter().u16(columns).u16(rows).done());
  }

  /** @returns whether the stream has ended with this message */
  take(message: GuestMessage): boolean {
    switch (message.kind) {
      case 'started':
        this.#started.resolve(message.pid);
        this.#addCredit(message.credit);
        break;
      case 'credit':
        this.#addCredit(message.bytes);
        break;
      case 'output':
        this.#outputs[message.channel - 1]?.take(message.bytes);
        break;
      case 'exit':
        this.#finish();
        this.#exit.resolve(message.end);
        break;
      case 'failed': {
        const why = `Cannot ${this.#action} in the guest: ${message.step}: ${errnoText(message.errno)}`;
        this.#fail(new VtorqueError('E_GUEST_EXEC', why, { phase: 'guest' }));
        this.#finish();
        break;
      }
      default:
        return false;
    }
    return this.#over;
  }

  /** The guest is gone. */
  lose(error: VtorqueError): void {
    this.#fail(error);
    this.#over = true;
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(error);
  }

  #fail(error: VtorqueError): void {
    this.#started.reject(error);
    this.#exit.reject(error);
  }

  #finish(): void {
    this.#over = true;
    for (const output of this.#outputs) output.end();
    this.stdin.destroy();
  }

  #grant(channel: number): (bytes: number) => void {
    return (bytes) => {
      if (!this.#over) this.#send(hostFrame.credit, this.#id, new PayloadWriter().u8(channel).u32(bytes).done());
    };
  }

  #makeStdin(takesInput: boolean): Writable {
    const end = (): void => {
      if (takesInput && !this.#over) this.#send(hostFrame.stdin, this.#id, Buffer.alloc(0));
    };
    const stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#pending = { rest: chunk, done };
        this.#feed();
      },
      final: (done) => {
        end();
        done();
      },
      destroy: (error, done) => {
        this.#pending = undefined;
        if (!stdin.writableFinished) end();
        done(error);
      },
    });
    return neverCrashing(stdin);
  }

  #addCredit(bytes: number): void {
    this.#credit += bytes;
    this.#feed();
  }

  #feed(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    while (pending.rest.length > 0 && this.#credit > 0) {
      const size = Math.min(pending.rest.length, this.#credit, maxPayload);
      this.#send(hostFrame.stdin, this.#id, pending.rest.subarray(0, size));
      pending.rest = pending.rest.subarray(size);
      this.#credit -= size;
    }
    if (pending.rest.length > 0) return;
    this.#pending = undefined;
    pending.done();
  }
}

/** One output of a program. The agent may send more only when its bytes have really been taken. */
class Output {
  readonly readable: Readable;
  readonly #window: number;
  readonly #grant: (bytes: number) => void;
  #owed = 0;
  #ended = false;

  constructor(window: number, grant: (bytes: number) => void) {
    this.#window = window;
    this.#grant = grant;
    const highWaterMark = Math.min(window, 256 * 1024);
    this.readable = neverCrashing(new Readable({ highWaterMark, read: () => this.#give(), destroy: this.#destroy }));
  }

  take(bytes: Buffer): void {
    this.#owed += bytes.length;
    if (bytes.length === 0) this.end();
    else if (this.readable.destroyed || this.readable.push(bytes)) this.#give();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.readable.destroyed) this.readable.push(null);
  }

  /** Nobody listens any more: the program goes on, its output is dropped. */
  readonly #destroy = (error: Error | null, done: (error?: Error | null) => void): void => {
    this.#give();
    done(error);
  };

  #give(): void {
    if (this.#owed < this.#window / 4 || this.#ended) return;
    this.#grant(this.#owed);
    this.#owed = 0;
  }
}

/** `exit` tells what went wrong; a stream that nobody listens to must not end the whole program with the same news. */
function neverCrashing<T extends Readable | Writable>(stream: T): T {
  stream.on('error', () => {});
  return stream;
}
