/**
 * Whether to go on trying to reach a node. Attempts that nobody needed do not count: what is sent to all, as systems do every few
 * minutes, is no reason to give a job up. Neither does an old need: guests that have stopped asking have an answer of their own.
 * Times are in milliseconds, of a clock that only goes on. Pure but for what it remembers.
 */
export class Patience {
  readonly #ms: number;
  #since: number | undefined;
  #last = 0;

  /** @param ms from the first attempt in vain until all hope is gone */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /**
   * An attempt was in vain.
   * @param needed whether there was a frame for just that node
   * @returns whether to give up
   */
  failed(now: number, needed: boolean): boolean {
    if (!needed) return false;
    if (this.#since === undefined || now - this.#last > this.#ms / 2) this.#since = now;
    this.#last = now;
    return now - this.#since >= this.#ms;
  }

  worked(): void {
    this.#since = undefined;
  }
}
