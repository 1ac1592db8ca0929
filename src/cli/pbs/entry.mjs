import { enableCache } from '../compile-cache.mjs';

enableCache();
const [name, ...args] = process.argv.slice(2);
const { run } = await import('./run.ts');
process.exitCode = await run(name, args, process.env);
