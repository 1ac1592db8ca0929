import { parseMem, parseWalltime } from '../../pbs/index.ts';
import { PBSE, PbsError } from './protocol.ts';
import type { Queue, Settings } from './settings.ts';

type Pairs = readonly (readonly [name: string, value: string])[];

/**
 * The queue that a job is for.
 * @param name empty: the default queue
 * @throws PbsError when there is none, or it takes no jobs
 */
export function queueFor(name: string, { queues, defaultQueue }: Pick<Settings, 'queues' | 'defaultQueue'>): Queue {
  const wanted = name === '' ? defaultQueue : name;
  const queue = queues.find((one) => one.name === wanted);
  if (queue === undefined) throw new PbsError(PBSE.UNKQUE, 'Unknown queue MSG=requested queue not found');
  if (!queue.enabled) throw new PbsError(PBSE.QUNOENB, `Queue is not enabled MSG=queue is disabled: ${queue.name}`);
  return queue;
}

/** @throws PbsError when a job asks for more than its queue allows */
export function checkLimits(resources: Pairs, { max }: Queue): void {
  const wanted = new Map(resources);
  for (const [name, limit] of max) {
    const value = wanted.get(name);
    if (value === undefined || amount(name, value) <= amount(name, limit)) continue;
    throw new PbsError(
      PBSE.EXCQRESC,
      `Job exceeds queue resource limits MSG=cannot satisfy queue max ${name} requirement`,
    );
  }
}

function amount(name: string, value: string): number {
  if (name === 'walltime') return parseWalltime(value);
  return name === 'mem' ? parseMem(value) : Number(value);
}
