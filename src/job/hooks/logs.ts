import { appendFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { HookEnd, HookReports } from '../../node/guest/index.ts';
import { makePrivateDirectory } from '../../process/index.ts';

export interface HookLogsOptions {
  readonly directory: string;
  /** Into the job's record. */
  readonly record: (text: string) => void;
  readonly say: (text: string) => void;
}

/** What the hooks of all VMs of a job print, a file for each, and how they ended. */
export class HookLogs implements HookReports {
  readonly #options: HookLogsOptions;
  #writing: Promise<unknown> = Promise.resolve();
  #failed = false;
  #made = false;

  constructor(options: HookLogsOptions) {
    this.#options = options;
  }

  log(file: string, bytes: Buffer): void {
    const path = join(this.#options.directory, basename(file));
    this.#writing = this.#writing.then(async () => {
      if (this.#failed) return;
      try {
        if (!this.#made) await makePrivateDirectory(this.#options.directory);
        this.#made = true;
        await appendFile(path, bytes, { mode: 0o600 });
      } catch {
        // A full or missing home must not fail the job, as with its record.
        this.#failed = true;
      }
    });
  }

  ended({ vm, hook, how, good }: HookEnd): void {
    const { directory, record } = this.#options;
    const text = `${hook} in ${vm} ${how}`;
    record(`${text}; its output is in ${directory}`);
    // That a prologue has failed says the error of the job.
    if (!good && hook.includes('epilogue')) this.#say(`${text}; its output is in ${directory} on the first node`);
  }

  /** Wait until all is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  #say(text: string): void {
    try {
      this.#options.say(text);
    } catch (error) {
      // Output that cannot be written (a full disk) is no reason to fail a job whose script has ended.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }
}
