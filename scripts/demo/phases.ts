import type { TimelineEntry } from '../../src/job/index.ts';

/** What the user sees of a job's way, in order. */
const labels: Readonly<Record<string, string>> = {
  queued: 'queued',
  start: 'launcher start',
  plan: 'plan, shares',
  network: 'network',
  'vm-start': 'VM start',
  guest: 'guest ready',
  script: 'script',
  keep: 'VM kept',
  'tear-down': 'tear-down',
};

export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Prints each phase with its time when it has ended; on a terminal the present one moves. */
export class PhaseDisplay implements Disposable {
  readonly #out: Terminal;
  readonly #timer: NodeJS.Timeout | undefined;
  #phase = 'queued';
  #since: number;

  constructor(out: Terminal, submittedAt: number) {
    this.#out = out;
    this.#since = submittedAt;
    this.#timer = out.isTTY ? setInterval(() => out.write(`\r\x1b[K${this.#line(Date.now())} ...`), 100) : undefined;
  }

  /** A phase begins, which ends the one before. */
  enter(event: TimelineEntry['event'], at: number): void {
    if (event === 'fact') return;
    this.#out.write(`${this.#out.isTTY ? '\r\x1b[K' : ''}${this.#line(at)}\n`);
    this.#phase = event;
    this.#since = at;
    if (event === 'end') this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }

  #line(at: number): string {
    const seconds = Math.max(0, (at - this.#since) / 1000).toFixed(2);
    return `  ${(labels[this.#phase] ?? this.#phase).padEnd(15)} ${seconds.padStart(6)} s`;
  }
}
