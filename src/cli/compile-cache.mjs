// Plain JavaScript, as the entries that import it: they run before the cache is there, and for TypeScript Node would load
// its parser first (60 ms). With the cache types are stripped once, not at each start.
import { constants, enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Keep compiled code in the checkout, or, since only its owner can write there, in the user's cache directory. */
export function enableCache() {
  const shared = enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/vtorque', import.meta.url)));
  if (shared.status !== constants.compileCacheStatus.FAILED) return;
  const { HOME, XDG_CACHE_HOME = HOME && `${HOME}/.cache` } = process.env;
  if (XDG_CACHE_HOME?.startsWith('/')) enableCompileCache(`${XDG_CACHE_HOME}/vtorque/compiled`);
}
