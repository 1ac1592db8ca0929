import type { Duplex } from 'node:stream';
import type { VtorqueError } from '../../base/index.ts';
import type { Account, Group } from './accounts.ts';
import { allOf, chainedCalls, GuestCalls } from './calls.ts';
import { type CallOptions, Connection } from './connection.ts';
import type { ExecSpec } from './exec-spec.ts';
import { Identities } from './identities.ts';
import type { GuestConnection, GuestProcess } from './process.ts';
import type { GuestHello } from './protocol.ts';
import { unmountAll } from './unmount.ts';

export interface AttachOptions {
  /** Somebody else may have stopped in the middle of a frame on this connection. Costs 64 KiB of traffic. */
  readonly resync?: boolean;
  /** Leave the programs of a former session alone instead of ending them. */
  readonly keepPrograms?: boolean;
}

export interface ShutdownSpec {
  /** Milliseconds between TERM and KILL. */
  readonly graceMs: number;
  /** `wait`: the host ends the machine after the answer; `poweroff`: the guest does, and the answer may get lost. */
  readonly how: 'wait' | 'poweroff';
}

/** A guest's agent at the other end of a byte stream. */
export class GuestAgent extends GuestCalls implements Disposable {
  readonly #connection: Connection;
  readonly #identities: Identities;

  constructor(connection: Connection) {
    super((name, args, options) => connection.call(name, args, options));
    this.#connection = connection;
    this.#identities = new Identities({
      read: async (path) => (await this.readFile(path)).toString('latin1'),
      write: (path, text, owned) => this.writeFile(path, Buffer.from(text, 'latin1'), owned),
    });
  }

  /** Resolves, with the reason, when the agent cannot be reached any more. Never rejects. */
  get lost(): Promise<VtorqueError> {
    return this.#connection.lost;
  }

  /**
   * Wait until the agent answers.
   * @throws VtorqueError `E_GUEST_LOST`, `E_GUEST_PROTOCOL`, `E_GUEST_TIMEOUT` (the signal was aborted)
   */
  hello(signal?: AbortSignal): Promise<GuestHello> {
    return this.#connection.hello(signal);
  }

  /** Any call of the protocol by its name. */
  call(name: string, args: readonly (string | Uint8Array)[], options?: CallOptions): Promise<readonly Buffer[]> {
    return this.#connection.call(name, args, options);
  }

  /**
   * Several calls in one go, each of which runs only if all before it succeeded.
   * @param make makes the calls, all at once
   * @throws the error of the first that failed
   */
  async batch(make: (guest: GuestCalls) => readonly Promise<unknown>[]): Promise<void> {
    await allOf(make(chainedCalls((name, args, options) => this.call(name, args, options))));
  }

  /** The bytes of a file of the guest, as its root. */
  async readFile(path: string): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let offset = 0; ; ) {
      const [piece] = await this.call('read', [path, `${offset}`, '60000'], { action: `read "${path}"` });
      if (piece === undefined || piece.length === 0) return Buffer.concat(pieces);
      pieces.push(Buffer.from(piece));
      offset += piece.length;
    }
  }

  /** See that /etc/passwd and /etc/shadow of the guest have this account. */
  ensureAccount(account: Account): Promise<void> {
    return this.#identities.ensureAccount(account);
  }

  /** See that /etc/group of the guest has this group with at least these members. */
  ensureGroup(group: Group): Promise<void> {
    return this.#identities.ensureGroup(group);
  }

  /** Start a program. Whether that worked is told by its `started` and `exit`. */
  exec(spec: ExecSpec): GuestProcess {
    return this.#connection.exec(spec);
  }

  /**
   * The next connection to where `listen` listens. Whether there was one is told by its `started`.
   * @param window bytes from it that may be under way or unread at a time; 1 MiB unless told
   */
  accept(window?: number): GuestConnection {
    return this.#connection.accept(window);
  }

  /**
   * End all programs, write back, unmount what can be.
   * @throws the error of the first step that failed, when all have been tried
   */
  async shutdown({ graceMs, how }: ShutdownSpec): Promise<void> {
    const { capabilities } = await this.hello();
    const ended = [this.terminate(graceMs), this.sync()];
    // Who is not process 1 shares his mounts with others.
    const unmounted = capabilities.includes('init') ? allOf(ended).then(() => unmountAll(this)) : allOf(ended);
    await allOf([unmounted, ...(how === 'poweroff' ? [unmounted.catch(() => {}).then(() => this.powerOff())] : [])]);
  }

  /** Close the connection. What waits is rejected with `E_GUEST_LOST`; the guest itself goes on. */
  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Talk to the agent on `duplex`, which is this connection's own from now on. Wait for `hello()` first. */
export function attachAgent(duplex: Duplex, { resync = false, keepPrograms = false }: AttachOptions = {}): GuestAgent {
  return new GuestAgent(new Connection(duplex, { resync, reset: !keepPrograms }));
}
