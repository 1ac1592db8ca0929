import { qsubError } from './errors.ts';

// Torque's codes for a value that the server does not take: PBSE_BADATVAL, modulo 256.
const BAD_VALUE = 168;

function badValue(resource: string): Error {
  return qsubError(`qsub: submit error (Illegal attribute or resource value for Resource_List.${resource})`, BAD_VALUE);
}

/**
 * Read a time: seconds, `mm:ss`, `hh:mm:ss` or `dd:hh:mm:ss`, with a fraction if need be, rounded.
 * @returns seconds
 * @throws VtorqueError `E_QSUB` with the server's text and exit code
 */
export function parseWalltime(text: string, resource = 'walltime'): number {
  const [, clock = '', fraction = ''] = /^(\d*(?::\d*){0,3})(?:\.(.*))?$/s.exec(text) ?? [];
  if (text !== '' && clock === '' && fraction === '' && !text.startsWith('.')) throw badValue(resource);
  const parts = clock.split(':').map(Number);
  const days = parts.length === 4 ? (parts.shift() ?? 0) : 0;
  const seconds = parts.reduce((sum, part) => sum * 60 + part, 0) + days * 24 * 3600;
  if (!Number.isSafeInteger(seconds)) throw badValue(resource);
  return seconds + (/^[5-9]/.test(fraction) ? 1 : 0);
}

/** Print seconds as qstat does: `hh:mm:ss`, with more digits for the hours when needed. */
export function formatWalltime(seconds: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

const SHIFT: Readonly<Record<string, number>> = { k: 10, m: 20, g: 30, t: 40, p: 50, e: 60 };
const WORD_BYTES = 8;

/**
 * Read a size of a resource such as `mem`: a number, a multiple `k m g t p e`, and `b` for bytes or `w` for words.
 * @returns bytes
 * @throws VtorqueError `E_QSUB` with the server's text and exit code
 */
export function parseMem(text: string, resource = 'mem'): number {
  const { value, multiple, unit } = readMem(text, resource);
  return value * 2 ** (SHIFT[multiple] ?? 0) * (unit === 'w' ? WORD_BYTES : 1);
}

/**
 * Write a size as qstat shows it: `1GB` as `1gb`, `1` as `1b`.
 * @throws as `parseMem`
 */
export function normaliseMem(text: string, resource = 'mem'): string {
  const { value, multiple, unit } = readMem(text, resource);
  return `${value}${multiple}${unit}`;
}

function readMem(text: string, resource: string): { value: number; multiple: string; unit: string } {
  const match = /^\s*\+?(0x[\da-f]+|\d+)([kmgtpe])?([bw])?$/i.exec(text);
  if (match === null) throw badValue(resource);
  const [, digits = '', multiple = '', unit = 'b'] = match;
  const value = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return { value, multiple: multiple.toLowerCase(), unit: unit.toLowerCase() };
}
