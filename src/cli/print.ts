import { writeSync } from 'node:fs';

/**
 * Write to standard output. Not through Node's stream unless the reader is slow: for a few words that takes longer to load than
 * to do everything else.
 */
export function print(text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(1, bytes, written);
  } catch {
    // Full, or gone: the stream waits for the one, and says the other as it always does.
    process.stdout.write(bytes.subarray(written));
  }
}
