import { enableCache } from './compile-cache.mjs';

enableCache();
const { runLaunch } = await import('./launch.ts');
// Not process.exitCode: what a failed start has left open must not keep the job's slot.
process.exit(await runLaunch(process.argv.slice(2)));
