import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makePrivateDirectory } from '../process/index.ts';
import { readEntries, type TimelineEntry, timelinePath } from './timeline.ts';

/**
 * The entries of a job's time line, as they are written; ends after `end`, or when `signal` is aborted.
 * Entries of an earlier run of the same job come first.
 * @param state the user's state directory
 */
export async function* followTimeline(
  state: string,
  jobId: string,
  signal: AbortSignal,
): AsyncGenerator<TimelineEntry> {
  const path = timelinePath(state, jobId);
  await makePrivateDirectory(dirname(path));
  let changed = Promise.withResolvers<void>();
  const watcher = watch(dirname(path), () => changed.resolve());
  const stop = (): void => changed.resolve();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (let seen = 0; ; ) {
      // Asked for before reading, so that a line written meanwhile is not slept over.
      const next = changed.promise;
      const entries = readEntries(await readFile(path, 'utf8').catch(() => ''));
      for (const entry of entries.slice(seen)) {
        yield entry;
        if (entry.event === 'end') return;
      }
      seen = Math.max(seen, entries.length);
      if (signal.aborted) return;
      await next;
      changed = Promise.withResolvers<void>();
    }
  } finally {
    watcher.close();
    signal.removeEventListener('abort', stop);
  }
}
