import type { StartStep } from './node-guest.ts';

type Write = (event: StartStep, value?: string) => void;

/**
 * What the VMs of a node write into one record. They all do the same at the same time, so the first of them tells the steps, and what holds for several
 * is told once.
 */
export function sharedRecord(write: Write): (first: boolean) => Write {
  const told = new Set<string>();
  return (first) =>
    (event, value = '') => {
      if (event !== 'fact') {
        if (first) write(event);
      } else if (!told.has(value)) {
        told.add(value);
        write(event, value);
      }
    };
}
