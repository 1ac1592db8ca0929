import { qsubError } from './errors.ts';

export interface ArrayRequest {
  /** The elements' numbers, rising, each once. */
  readonly indexes: readonly number[];
  /** At most so many run at the same time. */
  readonly slotLimit?: number;
}

// PBS_MAXJOBARRAY
const MAX_INDEX = 99_999;

/**
 * Read the value of `-t`: `1-3,7%2`.
 * @throws VtorqueError `E_QSUB` with the server's text and exit code
 */
export function parseArray(text: string): ArrayRequest {
  const percent = text.indexOf('%');
  // A comma at the end means nothing.
  const ranges = (percent < 0 ? text : text.slice(0, percent)).replace(/,$/, '');
  const indexes = new Set<number>();
  let named = 0;
  for (const range of ranges.split(',')) {
    const [, first, last = first] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(range) ?? [];
    const from = Number(first);
    const to = Number(last);
    if (first === undefined || to < from || to > MAX_INDEX) throw badArray();
    // The same range over and over would keep a server busy for hours.
    named += to - from + 1;
    if (named > 2 * MAX_INDEX) throw badArray();
    for (let index = from; index <= to; index++) indexes.add(index);
  }
  const limit = percent < 0 ? Number.NaN : Number.parseInt(text.slice(percent).replace(/^%+/, ''), 10);
  return {
    indexes: [...indexes].sort((a, b) => a - b),
    ...(limit > 0 ? { slotLimit: limit } : {}),
  };
}

/** PBSE_BAD_ARRAY_REQ, modulo 256. */
function badArray(): Error {
  return qsubError('qsub: submit error (Bad Job Array Request)', 235, 'Write -t 1-10, -t 1,3,5 or -t 1-10%2');
}
