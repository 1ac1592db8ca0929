// All tests: the unit tests beside the source, then those with real VMs and batch systems, which share the machine
// and so run one file after the other. Arguments choose files instead.
import { spawnSync } from 'node:child_process';
import { installRoot } from '../src/site/index.ts';

const chosen = process.argv.slice(2);
const files = chosen.length > 0 ? chosen : ['src/**/*.test.ts', 'test/**/*.test.ts'];
const { status } = spawnSync(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', '--test', '--test-concurrency=1', '--test-timeout=600000', ...files],
  { cwd: installRoot, stdio: 'inherit' },
);
process.exit(status ?? 1);
