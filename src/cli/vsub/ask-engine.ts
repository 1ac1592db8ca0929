import { type BatchNode, type Engine, findEngine } from '../../engine/index.ts';

/** What was asked of the batch system; the answers come while the request is looked at. Neither need be awaited. */
export interface AskedEngine {
  /** Rejects with VtorqueError `E_NO_BATCH_SYSTEM`. */
  readonly engine: Promise<Engine>;
  /** Undefined when the batch system does not tell. */
  readonly nodes: Promise<readonly BatchNode[] | undefined>;
}

/** Ask for the batch system and its nodes at once: what vsub has to load and to check meanwhile takes as long. */
export function askEngine(env: Readonly<Record<string, string | undefined>>): AskedEngine {
  const engine = findEngine(env);
  const nodes = engine.then((found) => found.nodes());
  // Whoever awaits it gets the error; for a request that is refused before, it concerns nobody.
  nodes.catch(() => {});
  return { engine, nodes };
}
