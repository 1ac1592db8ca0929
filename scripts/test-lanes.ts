import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { testArguments } from './test-arguments.ts';

/** What the files of the tests came to together. */
export interface Counts {
  tests: number;
  pass: number;
  fail: number;
  skipped: number;
}

const leases = '/var/lib/vtorque/leases';

/**
 * Where root has room of his own: processes, mounts, and the directories in which the tests look for what jobs have left. So files that run at
 * the same time do not see each other's jobs. Users, the network and what is cached are shared.
 */
const isolate = [
  ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--', 'sh', '-ec'],
  [
    'disk=$1; shift',
    'mount -t tmpfs -o mode=1777 tmpfs /tmp',
    'mount --bind "$disk" /var/tmp',
    'mount -t tmpfs -o mode=755 tmpfs /run; mkdir -m 1777 /run/lock',
    'mount -t tmpfs -o mode=1777 tmpfs /dev/shm',
    `mount -t tmpfs -o mode=700 tmpfs ${leases}`,
    'exec "$@"',
  ].join('\n'),
  'isolated',
];

/** Why this machine cannot do that, if it cannot: in some containers root may not. */
export function whyNoLanes(directory: string): string | undefined {
  mkdirSync(leases, { recursive: true, mode: 0o700 });
  const [program = '', ...args] = [...isolate, directory, 'true'];
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 30_000 });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

/**
 * Run files of tests, so many at a time, each in namespaces of its own. What a file has printed appears when it has ended.
 * @returns the files that failed, and the sum of all counts
 */
export async function runInLanes(
  files: readonly string[],
  { lanes, cwd, directory }: { readonly lanes: number; readonly cwd: string; readonly directory: string },
): Promise<{ readonly failed: readonly string[]; readonly counts: Counts }> {
  const waiting = [...files];
  const running = new Set<ChildProcess>();
  const stop = (): void => {
    waiting.length = 0;
    // All that is in its namespaces ends with it.
    for (const child of running) child.kill('SIGKILL');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  const failed: string[] = [];
  const counts: Counts = { tests: 0, pass: 0, fail: 0, skipped: 0 };
  const lane = async (number: number): Promise<void> => {
    const disk = `${directory}/${number}`;
    mkdirSync(disk);
    chmodSync(disk, 0o1777);
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const from = performance.now();
      const { code, output } = await run([...isolate, disk, process.execPath, ...testArguments, file], {
        cwd,
        running,
      });
      process.stdout.write(`\n== ${file}, ${((performance.now() - from) / 1000).toFixed(0)} s\n${output}`);
      for (const name of Object.keys(counts) as (keyof Counts)[]) {
        counts[name] += Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
      }
      if (code !== 0) failed.push(file);
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  return { failed, counts };
}

async function run(
  [program = '', ...args]: readonly string[],
  { cwd, running }: { readonly cwd: string; readonly running: Set<ChildProcess> },
) {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  running.delete(child);
  return { code, output };
}
