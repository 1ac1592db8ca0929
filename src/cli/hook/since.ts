import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** Of the times in /proc, on every machine that we run on. */
const TICKS_PER_S = 100;

/**
 * When this process began, in milliseconds since 1970, not before: as what it is a hook of, since a hook of the site that comes before
 * ours is run by the same process, and may take its time.
 */
export function hookBegan(): number {
  const [, rest = ''] = /\) (.*)$/s.exec(readFileSync('/proc/self/stat', 'latin1')) ?? [];
  const born = (Number(rest.split(' ')[19]) + 1) / TICKS_PER_S;
  return Date.now() - Math.max(0, uptime() - born) * 1000;
}
