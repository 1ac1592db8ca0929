// The commands of the embedded batch system. Plain JavaScript: it runs before the cache is there, and Node would load its
// TypeScript parser for it (60 ms); these commands run thousands of times.
import { constants, enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

const shared = enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/vtorque', import.meta.url)));
if (shared.status === constants.compileCacheStatus.FAILED) {
  // Root's installation is not for users to write to.
  const { HOME, XDG_CACHE_HOME = HOME && `${HOME}/.cache` } = process.env;
  if (XDG_CACHE_HOME?.startsWith('/')) enableCompileCache(`${XDG_CACHE_HOME}/vtorque/compiled`);
}
const [name, ...args] = process.argv.slice(2);
const { run } = await import('./run.ts');
process.exitCode = await run(name, args, process.env);
