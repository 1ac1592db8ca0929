import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { VtorqueError } from '../../src/base/index.ts';
import { type JobView, waitForJob } from '../../src/engine/embedded/index.ts';
import { followTimeline } from '../../src/job/index.ts';
import { userPlaces } from '../../src/site/index.ts';
import { PhaseDisplay } from './phases.ts';

const script = 'examples/hello.sh';
const options = [
  ...['-N', 'hello', '-l', 'nodes=1:ppn=1,walltime=00:05:00', '-vm', 'img=host,vcpus=1,ram=512M'],
  script,
];
/** Longer than the job's own walltime with all that may come before it. */
const patienceMs = 10 * 60_000;

/**
 * Submit the example from a directory of the user's, show its phases as they pass, and print what it wrote.
 * @returns the exit code for the demo: the job's own
 */
export async function runDemoJob(root: string): Promise<number> {
  const directory = join(homedir(), 'vtorque-demo');
  await mkdir(join(directory, 'examples'), { recursive: true });
  await copyFile(join(root, script), join(directory, script));
  process.stdout.write(`\n$ cd ${directory}\n$ vsub ${options.join(' ')}\n`);
  const submitted = Date.now();
  const vsub = spawnSync(join(root, 'bin/vsub'), options, {
    cwd: directory,
    // The node may have another batch system, whose qsub comes first on PATH; the demonstration watches the embedded one.
    env: { ...process.env, PATH: [join(root, 'libexec/pbs'), process.env.PATH].join(delimiter) },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (vsub.status !== 0) return vsub.status ?? 1;
  const id = vsub.stdout.trim();
  process.stdout.write(`${id}\n\n`);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(cancelled(root, id));
  process.once('SIGINT', interrupt);
  try {
    const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(patienceMs)]);
    const job = await watch(id, submitted, signal);
    return await report(job, directory);
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/** Ctrl-C ends the job too: a demonstration must not leave one running. */
function cancelled(root: string, id: string): VtorqueError {
  spawnSync(join(root, 'libexec/pbs/qdel'), [id], { stdio: 'inherit', timeout: 30_000 });
  return new VtorqueError('E_INTERRUPTED', `Cannot go on: interrupted, and job ${id} deleted`, { exitCode: 130 });
}

async function watch(id: string, submitted: number, signal: AbortSignal): Promise<JobView> {
  using display = new PhaseDisplay(process.stdout, submitted);
  const ended = new AbortController();
  const done = waitForJob(id, signal).finally(() => ended.abort());
  // Awaited at the end; until then its failure is not unhandled.
  done.catch(() => {});
  // A job that ends before its launcher starts has no time line; its end is the end of waiting for one.
  const entries = followTimeline(userPlaces(process.env).state, id, AbortSignal.any([signal, ended.signal]));
  for await (const { event, at } of entries) display.enter(event, at);
  return done;
}

async function report(job: JobView, directory: string): Promise<number> {
  const seconds = ((job.endTime ?? 0) - (job.startTime ?? 0)) / 1000;
  process.stdout.write(`\nexit status ${job.exitStatus}, ${seconds.toFixed(1)} s from start to end\n`);
  for (const [what, path] of [
    ['output', job.outputPath],
    ['errors', job.errorPath],
  ] as const) {
    const file = path.replace(/^[^:/]*:/, '');
    const text = await readFile(file, 'utf8');
    if (what === 'output' || text !== '') process.stdout.write(`\n${what} (${file}):\n${indent(text)}`);
  }
  if (job.exitStatus !== 0) return 1;
  const written = join(directory, 'hello.txt');
  const { uid, gid } = await stat(written);
  process.stdout.write(
    `\non this host, ${written} (uid ${uid}, gid ${gid}):\n${indent(await readFile(written, 'utf8'))}`,
  );
  return 0;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
