import { enableCache } from './compile-cache.mjs';

enableCache();
const { runVmgr } = await import('./vmgr.ts');
process.exitCode = await runVmgr(process.argv.slice(2));
