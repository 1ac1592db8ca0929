import type { Env } from '../../base/index.ts';
import { type BatchNode, type Engine, findEngine } from '../../engine/index.ts';
import type { SiteConfig } from '../../site/config/index.ts';
import { siteConfig } from './sources.ts';

/** What was asked of the batch system; the answers come while the request is looked at. None need be awaited. */
export interface AskedEngine {
  readonly config: Promise<SiteConfig | undefined>;
  /** Rejects with VtorqueError `E_NO_BATCH_SYSTEM`. */
  readonly engine: Promise<Engine>;
  /** The engine, if it is asked about nodes and queues: undefined when that is too dear. */
  readonly informant: Promise<Engine | undefined>;
  /** Undefined when the batch system does not tell, or is not asked. */
  readonly nodes: Promise<readonly BatchNode[] | undefined>;
}

/**
 * Ask for the batch system and its nodes at once: what vsub has to load and to check meanwhile takes as long.
 * @param atLeisure nothing is to be submitted, so that time is no matter
 */
export function askEngine(env: Env, atLeisure: boolean): AskedEngine {
  const config = siteConfig(env, process.getuid?.() ?? 0);
  const engine = config.then((site) => findEngine(env, site?.value('engine.name')));
  // Asking another batch system would start one of its commands, which costs as much as the submission.
  const informant = engine.then((found) => (found.name === 'embedded' || atLeisure ? found : undefined));
  const nodes = informant.then((found) => found?.nodes());
  // Whoever awaits it gets the error; for a request that is refused before, it concerns nobody.
  nodes.catch(() => {});
  return { config, engine, informant, nodes };
}
