import { availableParallelism } from 'node:os';
import type { NodeNames } from './nodes.ts';
import type { Store } from './store.ts';

/** What an instance is started with. */
export interface Shape {
  readonly nodes: NodeNames;
  /** Slots of each node. */
  readonly np: number;
  /** How long qstat shows a complete job. */
  readonly keepCompletedS: number;
}

/** Undefined: what it was before. */
export type AskedShape = { readonly [Key in keyof Shape]?: Shape[Key] | undefined };

const SETTING = 'shape';

/**
 * What is asked for, else what was asked for last; for what never was, one node with a slot for each processor, and an hour. It is kept for the next
 * start: the jobs that are there were taken for these nodes.
 */
export function shapeOf(store: Pick<Store, 'setting' | 'setSetting'>, asked: AskedShape): Shape {
  const before = JSON.parse(store.setting(SETTING, '{}')) as Partial<Shape>;
  const given = Object.entries(asked).filter(([, value]) => value !== undefined);
  const kept: Partial<Shape> = { ...before, ...Object.fromEntries(given) };
  if (given.length > 0) store.setSetting(SETTING, JSON.stringify(kept));
  return { nodes: 1, np: availableParallelism(), keepCompletedS: 3600, ...kept };
}
