import { VtorqueError } from './errors.ts';

export const MiB = 1024 ** 2;
export const GiB = 1024 ** 3;

const SIZE = /^(\d+)([KMGT])(i?B)?$/i;
const POWER: Readonly<Record<string, number>> = { K: 1, M: 2, G: 3, T: 4 };

/**
 * Read a size: digits and a unit `K M G T`, with or without `B` or `iB`; all are powers of 1024.
 * @returns bytes
 * @throws VtorqueError `E_SIZE` for anything else
 */
export function parseSize(text: string): number {
  const [, digits = '', unit = ''] = SIZE.exec(text) ?? [];
  const bytes = Number(digits) * 1024 ** (POWER[unit.toUpperCase()] ?? Number.NaN);
  if (digits === '' || !Number.isSafeInteger(bytes)) {
    throw new VtorqueError('E_SIZE', `Cannot read "${text}" as a size`, {
      hint: 'Write digits and one of the units K, M, G, T, for instance 512M or 2G',
      exitCode: 2,
    });
  }
  return bytes;
}

/** Print bytes with the largest unit that keeps the number whole: `512M`, `3G`, `1000` (no unit: bytes). */
export function formatSize(bytes: number): string {
  for (const unit of ['T', 'G', 'M', 'K']) {
    const size = 1024 ** (POWER[unit] ?? 0);
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}
