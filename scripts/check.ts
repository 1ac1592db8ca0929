// The one gate: types, lint and format, unit tests. Ends with the exit code of the first that fails.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { installRoot } from '../src/site/index.ts';

const steps = [
  { name: 'types', args: [join(installRoot, 'node_modules/typescript/bin/tsc')] },
  { name: 'lint and format', args: [join(installRoot, 'node_modules/@biomejs/biome/bin/biome'), 'check', '.'] },
  {
    name: 'unit tests',
    args: ['--disable-warning=ExperimentalWarning', '--test', '--test-timeout=300000', 'src/**/*.test.ts'],
  },
];

for (const { name, args } of steps) {
  process.stdout.write(`== ${name}\n`);
  const { status } = spawnSync(process.execPath, args, { cwd: installRoot, stdio: 'inherit' });
  if (status !== 0) {
    process.stdout.write(`check: ${name} failed\n`);
    process.exit(status ?? 1);
  }
}
