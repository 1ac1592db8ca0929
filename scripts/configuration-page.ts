// Writes the reference part of docs/configuration.md from the tables of the source.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configReference } from '../src/site/config/index.ts';
import { installRoot } from '../src/site/index.ts';

const page = join(installRoot, 'docs/configuration.md');
const heading = '## Reference\n\n';
const text = readFileSync(page, 'utf8');
writeFileSync(page, text.slice(0, text.indexOf(heading) + heading.length) + configReference());
