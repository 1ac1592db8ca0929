import { InvalidArgumentError } from 'commander';

/** The value of an option that counts something. */
export function count(text: string): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new InvalidArgumentError('It is a number from 1 to 9999.');
  return value;
}
