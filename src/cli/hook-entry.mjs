import { enableCache } from './compile-cache.mjs';

enableCache();
const { serveHook } = await import('./hook/serve.ts');
const [engine, event, ...words] = process.argv.slice(2);
process.exitCode = await serveHook(engine, event, words, Date.now() - process.uptime() * 1000);
