// The one gate: types, lint and format, unit tests. Ends with the exit code of the first that fails.
// Words choose steps: types, lint, unit; all without any.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { installRoot } from '../src/site/index.ts';

const steps = [
  { word: 'types', name: 'types', args: [join(installRoot, 'node_modules/typescript/bin/tsc')] },
  {
    word: 'lint',
    name: 'lint and format',
    args: [join(installRoot, 'node_modules/@biomejs/biome/bin/biome'), 'check', '.'],
  },
  {
    word: 'unit',
    name: 'unit tests',
    args: ['--disable-warning=ExperimentalWarning', '--test', '--test-timeout=300000', 'src/**/*.test.ts'],
  },
];

const chosen = process.argv.slice(2);
const unknown = chosen.find((word) => !steps.some((step) => step.word === word));
if (unknown !== undefined) {
  process.stderr.write(`check: no step "${unknown}"; steps: ${steps.map(({ word }) => word).join(', ')}\n`);
  process.exit(2);
}

for (const { word, name, args } of steps) {
  if (chosen.length > 0 && !chosen.includes(word)) continue;
  process.stdout.write(`== ${name}\n`);
  const { status } = spawnSync(process.execPath, args, { cwd: installRoot, stdio: 'inherit' });
  if (status !== 0) {
    process.stdout.write(`check: ${name} failed\n`);
    process.exit(status ?? 1);
  }
}
