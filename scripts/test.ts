// All tests: the unit tests beside the source, then those with real VMs and batch systems. Arguments choose files instead. As root, files of
// the latter run two at a time where there are processors for that, or VTORQUE_TEST_LANES at a time.
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { installRoot } from '../src/site/index.ts';
import { testArguments } from './test-arguments.ts';
import { runInLanes, whyNoLanes } from './test-lanes.ts';

const chosen = process.argv.slice(2);
const patterns = chosen.length > 0 ? chosen : ['src/**/*.test.ts', 'test/**/*.test.ts'];
const lanes = Number(process.env.VTORQUE_TEST_LANES ?? Math.min(2, availableParallelism()));
process.exitCode = process.getuid?.() === 0 && lanes > 1 && chosen.length !== 1 ? await runApart() : runHere(patterns);

async function runApart(): Promise<number> {
  const directory = mkdtempSync('/var/tmp/vtorque-tests-');
  try {
    const why = whyNoLanes(directory);
    if (why === undefined) return await runInTwoParts(directory);
    process.stderr.write(`One file after the other, since they cannot have namespaces of their own: ${why}\n`);
    return runHere(patterns);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runInTwoParts(directory: string): Promise<number> {
  const nowhere = patterns.filter((pattern) => globSync(pattern, { cwd: installRoot }).length === 0);
  if (nowhere.length > 0) {
    process.stderr.write(`There is no file ${nowhere.join(', ')}\n`);
    return 1;
  }
  const from = performance.now();
  const unit = chosen.length === 0 ? runHere(['src/**/*.test.ts']) : 0;
  const files = globSync(chosen.length > 0 ? chosen : ['test/**/*.test.ts'], { cwd: installRoot }).sort();
  const { failed, counts } = await runInLanes(files, { lanes, cwd: installRoot, directory });
  const took = `${((performance.now() - from) / 60_000).toFixed(1)} min`;
  const sums = Object.entries(counts).map(([name, count]) => `ℹ ${name} ${count}`);
  process.stdout.write(
    `\n== ${files.length} files with real VMs and batch systems\n${sums.join('\n')}\n${took} in all\n`,
  );
  for (const file of failed) process.stdout.write(`✖ ${file}\n`);
  if (unit !== 0) process.stdout.write('✖ unit tests, above\n');
  return failed.length > 0 || unit !== 0 ? 1 : 0;
}

function runHere(files: readonly string[]): number {
  const { status } = spawnSync(process.execPath, [...testArguments, ...files], { cwd: installRoot, stdio: 'inherit' });
  return status ?? 1;
}
