import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** Of the times in /proc, on every machine that we run on. */
const TICKS_PER_S = 100;

/**
 * When this hook began, in milliseconds since 1970. A hook of the site that comes before ours may take its time: then a shell runs
 * both, and says in `VTORQUE_HOOK` which process it is.
 */
export function hookBegan({ VTORQUE_HOOK }: NodeJS.ProcessEnv): number {
  const shell = /^[1-9]\d*$/.test(VTORQUE_HOOK ?? '') ? ageOf(`${VTORQUE_HOOK}`) : undefined;
  return Date.now() - (shell ?? process.uptime()) * 1000;
}

/** Seconds for which a process has been there; undefined when it is no more. */
function ageOf(pid: string): number | undefined {
  try {
    const [, rest = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
    const born = (Number(rest.split(' ')[19]) + 1) / TICKS_PER_S;
    return Math.max(0, uptime() - born);
  } catch {
    return undefined;
  }
}
