import type { EngineName } from '../../engine/engine.ts';
import { serveHook } from '../hook/serve.ts';
import { hookBegan } from '../hook/since.ts';

/** What a batch system starts on a node: the first argument is its name, the second the name of the hook. */
export async function main([engine = '', event = '', ...words]: readonly string[]): Promise<void> {
  await serveHook(engine as EngineName, event, words, { since: hookBegan(process.env) });
  // A hook that is late still has something on its way.
  process.exit(0);
}
