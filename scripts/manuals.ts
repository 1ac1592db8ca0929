// Writes the manual pages and the completion for bash from the tables of the source.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generatedFiles } from '../src/cli/manual/files.ts';
import { installRoot } from '../src/site/index.ts';

for (const [path, text] of generatedFiles()) {
  const file = join(installRoot, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
