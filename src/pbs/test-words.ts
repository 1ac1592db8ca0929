import fc from 'fast-check';
import { qsubOptions } from './options.ts';

/** Words as users write them, and as nobody would. */
export const word: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...qsubOptions.map(({ letter }) => `-${letter}`)) },
  { weight: 2, arbitrary: fc.constantFrom('-vm', '--json', '--', '-', '', '-hN', '-lnodes=1', '-Z', '--help', '-vmx') },
  { weight: 2, arbitrary: fc.constantFrom('img=host', 'nodes=1:ppn=2', 'job.sh', 'a b', "it's", '"q"', '#PBS') },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }).map((text) => `-${text}`) },
);
