// Writes the reference part of docs/environment.md from the tables of the source.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentReference } from '../src/node/guest/index.ts';
import { installRoot } from '../src/site/index.ts';

const page = join(installRoot, 'docs/environment.md');
const heading = '## Reference\n\n';
const text = readFileSync(page, 'utf8');
writeFileSync(page, text.slice(0, text.indexOf(heading) + heading.length) + environmentReference());
