import type { Duplex } from 'node:stream';
import { messageOf, VtorqueError } from '../base/index.ts';

interface Pending {
  readonly command: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** One message that QEMU sends: the greeting, an answer or an event. */
interface Message {
  readonly QMP?: unknown;
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: EventData;
}

export type EventData = Readonly<Record<string, unknown>>;

interface Awaited {
  readonly event: string;
  readonly fits: (data: EventData) => boolean;
  readonly resolve: (data: EventData) => void;
}

/**
 * QEMU's machine protocol (docs/interop/qmp-spec of QEMU) over one connection.
 * Answers are matched by id, since events and answers to other commands may come in between.
 */
export class QmpClient {
  readonly #stream: Duplex;
  readonly #pending = new Map<number, Pending>();
  readonly #awaited = new Set<Awaited>();
  readonly #greeting = Promise.withResolvers<void>();
  #nextId = 1;
  #rest = '';
  #closed: Error | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#greeting.promise.catch(() => {});
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.#receive(text));
    stream.on('error', (error) => this.#close(error));
    for (const event of ['end', 'close']) {
      stream.on(event, () => this.#close(new Error('QEMU closed the connection')));
    }
  }

  /** Wait for QEMU's greeting and leave negotiation mode. */
  async negotiate(): Promise<void> {
    await this.#greeting.promise;
    await this.execute('qmp_capabilities');
  }

  /**
   * Run one command.
   * @returns what QEMU answered
   * @throws VtorqueError `E_QMP` when QEMU refuses the command or goes away
   */
  async execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#closed !== undefined) throw qmpError(command, this.#closed);
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { command, resolve, reject });
    this.#stream.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    return promise;
  }

  /** The first event of this name that fits, from now on; one that never comes is waited for as long as the machine is. */
  event(event: string, fits: (data: EventData) => boolean): Promise<EventData> {
    const { promise, resolve } = Promise.withResolvers<EventData>();
    this.#awaited.add({ event, fits, resolve });
    return promise;
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    try {
      for (const line of lines) if (line.trim() !== '') this.#dispatch(JSON.parse(line) as Message);
    } catch (error) {
      // A guest that has taken over its QEMU may have it say anything: that must not end more than this machine.
      this.#close(new Error(`QEMU does not speak its protocol: ${messageOf(error)}`));
      this.#stream.destroy();
    }
  }

  #dispatch(message: Message): void {
    if (message.QMP !== undefined) this.#greeting.resolve();
    if (message.event !== undefined) this.#tell(message.event, message.data ?? {});
    if (message.id === undefined) return;
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.error === undefined) pending?.resolve(message.return);
    else pending?.reject(qmpError(pending.command, message.error.desc));
  }

  #tell(event: string, data: EventData): void {
    for (const each of this.#awaited) {
      if (each.event !== event || !each.fits(data)) continue;
      this.#awaited.delete(each);
      each.resolve(data);
    }
  }

  #close(cause: Error): void {
    this.#closed ??= cause;
    this.#greeting.reject(cause);
    for (const { command, reject } of this.#pending.values()) reject(qmpError(command, cause));
    this.#pending.clear();
  }
}

function qmpError(command: string, cause: unknown): VtorqueError {
  return new VtorqueError('E_QMP', `Cannot run QEMU command "${command}": ${messageOf(cause)}`, {
    phase: 'vm-start',
    cause,
  });
}
