/**
 * Run by a job of the contract suite on its first node: starts itself on all nodes of the job through the JobEngine.
 *
 *     node-tasks-probe.ts start DIRECTORY all|others|fail WORD...
 *
 * starts itself on all nodes or all but the first one, and waits until each has written to the directory what it has got; with
 * `fail` the last one ends with exit code 7. Then all are ended.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findJobEngine } from '../../src/engine/index.ts';

const [role = '', directory = '', ...words] = process.argv.slice(2);
const engine = await findJobEngine(process.env);
const allocation = await engine.allocation();

if (role === 'start') {
  mkdirSync(directory, { recursive: true });
  const [first, ...others] = allocation.nodes;
  const nodes = words[0] === 'others' ? others : allocation.nodes;
  const tasks = await engine.startOnNodes(allocation, nodes, [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    import.meta.filename,
    'task',
    directory,
    ...words,
  ]);
  const failure = await Promise.race([tasks.failed, allThere(nodes.length)]);
  await tasks[Symbol.asyncDispose]();
  process.stdout.write(`${JSON.stringify({ failure: failure ?? null, first: first?.name, allocation })}\n`, () =>
    process.exit(),
  );
} else {
  // Whole at once, for whoever lists the directory.
  writeFileSync(join(directory, `${allocation.nodeIndex}.json`), JSON.stringify({ allocation, words }));
  if (words[0] === 'fail' && allocation.nodeIndex === allocation.nodes.length - 1) process.exit(7);
  // Until whoever has started it ends it, or the job's end does.
  setTimeout(() => {}, 300_000);
}

async function allThere(count: number): Promise<undefined> {
  const deadline = Date.now() + 60_000;
  while (words[0] === 'fail' || readdirSync(directory).length < count) {
    if (Date.now() > deadline) throw new Error(`not all of ${count} programs have said something`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
