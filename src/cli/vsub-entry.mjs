// Plain JavaScript: it runs before the cache is there, and Node would load its TypeScript parser for it (60 ms).
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/vtorque', import.meta.url)));
const { runVsub } = await import('./vsub.ts');
process.exitCode = await runVsub(process.argv.slice(2), process.env);
