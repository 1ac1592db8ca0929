import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parseRanges } from '../../base/index.ts';

/** Small files of the kernel below some root directory. One that is not there, or cannot be read, has nothing to say. */
export class KernelFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  text(path: string): string | undefined {
    try {
      return readFileSync(join(this.#root, path), 'utf8').trim();
    } catch {
      return undefined;
    }
  }

  link(path: string): string | undefined {
    try {
      return readlinkSync(join(this.#root, path));
    } catch {
      return undefined;
    }
  }

  /** A whole number; firmware that does not know it says -1, which is none, too. */
  number(path: string): number | undefined {
    const text = this.text(path);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  }

  /** CPUs, or NUMA nodes. */
  list(path: string): number[] | undefined {
    const text = this.text(path);
    return text === undefined || text === '' ? undefined : parseRanges(text);
  }

  names(path: string): string[] {
    try {
      return readdirSync(join(this.#root, path)).sort();
    } catch {
      return [];
    }
  }
}
