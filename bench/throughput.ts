import { execute, type TestCluster } from '../test/support/cluster.ts';
import type { Measurement } from './measure.ts';
import { measureInTurn, summarize } from './measure.ts';

const QUEUED = 1000;
const JOBS = 200;

/** How the embedded batch system does with many jobs: a listing of a thousand, and two hundred that do nothing. */
export async function measureThroughput(cluster: TestCluster, runs: number): Promise<Measurement[]> {
  const { user, env, work } = cluster;
  const variables = Object.entries({ ...env, HOME: user.home, USER: user.name }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const run = async (...command: string[]): Promise<string> => {
    const { code, stdout, stderr } = await execute([...user.become, 'env', ...variables, ...command], { cwd: work });
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  };
  const submit = (count: number, ...args: string[]): Promise<string> => {
    const loop = 'n=$1; shift; while [ "$n" -gt 0 ]; do echo true | qsub "$@"; n=$((n - 1)); done';
    return run('sh', '-c', loop, 'submit', String(count), '-o', '/dev/null', '-e', '/dev/null', ...args);
  };
  const from = performance.now();
  const ids = (await submit(JOBS)).trim().split('\n');
  await Promise.all(ids.slice(-20).map((id) => cluster.wait(id)));
  const ms = performance.now() - from;
  // An array of held elements is a thousand jobs at the price of one submission.
  await submit(1, '-h', '-t', `0-${QUEUED - 1}`);
  const [listing] = await measureInTurn(runs, { [`qstat -t of ${QUEUED} queued jobs`]: () => run('qstat', '-t') });
  await run('qdel', 'all');
  const each = summarize(`each of ${JOBS} jobs "true", submission to end`, [ms / JOBS]);
  return [...(listing === undefined ? [] : [listing]), each];
}
