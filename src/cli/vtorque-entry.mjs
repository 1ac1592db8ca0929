import { enableCache } from './compile-cache.mjs';

enableCache();
const { runVtorque } = await import('./vtorque.ts');
process.exitCode = await runVtorque(process.argv.slice(2));
