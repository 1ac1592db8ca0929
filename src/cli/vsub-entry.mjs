import { enableCache } from './compile-cache.mjs';

enableCache();
const { runVsub } = await import('./vsub.ts');
process.exitCode = await runVsub(process.argv.slice(2), process.env);
