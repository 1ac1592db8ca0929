import type { Socket } from 'node:net';

/** The clients of interactive jobs that do not run yet, each at the end of the connection that submitted its job. */
export class Terminals {
  readonly #waiting = new Map<string, { socket: Socket; authority: Buffer | undefined; taken: () => void }>();

  /**
   * Keep a client until its job starts.
   * @param gone aborted when the client goes away
   * @param authority the X authority file of the job, in base64
   * @returns whether the job was given its terminal; otherwise the client is gone, or `drop` was called
   */
  async keep(id: string, socket: Socket, gone: AbortSignal, authority?: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    gone.addEventListener('abort', () => resolve(false), { once: true });
    if (gone.aborted) resolve(false);
    this.#waiting.set(id, {
      socket,
      authority: authority === undefined ? undefined : Buffer.from(authority, 'base64'),
      taken: () => resolve(true),
    });
    return promise.finally(() => this.#waiting.delete(id));
  }

  /** The X authority file that a waiting client has brought. */
  authorityOf(id: string): Buffer | undefined {
    return this.#waiting.get(id)?.authority;
  }

  /** Hand the client of a job to `use`, which gives the connection to another process; it is closed here then. */
  hand(id: string, use: (socket: Socket) => void): void {
    const client = this.#waiting.get(id);
    if (client === undefined) throw new Error('its terminal is gone');
    client.taken();
    this.#waiting.delete(id);
    use(client.socket);
    // Not end(), which would shut it down for the other process, too.
    client.socket.destroy();
  }
}
