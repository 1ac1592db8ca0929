import fc from 'fast-check';
import { qsubOptions } from './options.ts';
import type { QsubWalk } from './walk.ts';

/** Words as users write them, and as nobody would. */
export const word: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...qsubOptions.map(({ letter }) => `-${letter}`)) },
  { weight: 2, arbitrary: fc.constantFrom('-vm', '--json', '--', '-', '', '-hN', '-lnodes=1', '-Z', '--help', '-vmx') },
  { weight: 2, arbitrary: fc.constantFrom('img=host', 'nodes=1:ppn=2', 'job.sh', 'a b', "it's", '"q"', '#PBS') },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }).map((text) => `-${text}`) },
);

/** The argument list that a walk came from, made from its classes alone. */
export function printWalk(walk: Omit<QsubWalk, 'argv' | 'errors'>): string[] {
  const words: string[] = [];
  for (const { name, value, at, attached } of walk.options) {
    words[at] = `${words[at] ?? '-'}${name}${attached ? value : ''}`;
    if (value !== undefined && !attached) words[at + 1] = value;
  }
  for (const { name, value, at } of walk.own) {
    words[at] = name;
    if (value !== undefined) words[at + 1] = value;
  }
  for (const { text, at } of walk.operands) words[at] = text;
  if (walk.endOfOptions !== undefined) words[walk.endOfOptions] = '--';
  return words;
}
