import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { type JobView, type NodeNames, waitForJob } from '../../src/engine/embedded/index.ts';
import type { TimelineEntry } from '../../src/job/index.ts';
import { lastRun } from '../../src/job/records.ts';
import { publicRoot } from '../../src/site/public-root.ts';
import { aUser, type TestUser } from './users.ts';

/** How long a job of a test may take at most, all included, on a loaded machine. */
export const patienceMs = 300_000;

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly as?: TestUser;
}

/** A finished job: what the batch system says of it, and its output files. */
export interface FinishedJob {
  readonly id: string;
  readonly status: JobView;
  readonly exitStatus: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** An embedded batch system of a test's own, with an ordinary user and a directory of his. */
export interface TestCluster extends AsyncDisposable {
  readonly user: TestUser;
  /** The user's working directory; jobs are submitted from here. */
  readonly work: string;
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  run(command: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Submit with vsub and return the job's id; throws with vsub's words when it refuses. */
  submit(args: readonly string[], script: string | Uint8Array, name?: string): Promise<string>;
  /** @param withinMs how long the job may take at most, all included */
  wait(id: string, withinMs?: number): Promise<FinishedJob>;
  /** What is recorded of the latest run of a job: other batch systems of this user had jobs with the same id. */
  record(id: string): Promise<readonly TimelineEntry[]>;
  /** Wait until a file of the working directory is there: a job says so how far it is. */
  appears(file: string): Promise<void>;
  restart(): Promise<void>;
}

export interface ClusterOptions {
  /** How many, or their names. */
  readonly nodes?: NodeNames;
  readonly np?: number;
  readonly user?: TestUser;
  /** What stands before the command that starts it, so that it and its jobs run in other namespaces. */
  readonly inside?: readonly string[];
}

/** Start a batch system; dispose of it to end its jobs and remove everything. */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const { nodes = 1, np = 2, inside = [] } = options;
  const root = await publicRoot();
  await using ending = new AsyncDisposableStack();
  const user = options.user ?? ending.use(aUser());
  const base = await mkdtemp(join(tmpdir(), 'vtt-'));
  ending.defer(() => rm(base, { recursive: true, force: true }));
  await chmod(base, 0o755);
  const local = join(base, 'local');
  const env = {
    PATH: [join(root, 'bin'), join(root, 'libexec/pbs'), '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'].join(
      delimiter,
    ),
    VTORQUE_LOCAL: local,
    LANG: 'C.UTF-8',
  };
  const vtorque = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await execute([...inside, join(root, 'bin/vtorque'), 'local', ...args], {
      env: { ...process.env, ...env },
    });
    if (code !== 0) throw new Error(`vtorque local ${args.join(' ')} failed: ${stderr}`);
  };
  const start = (): Promise<void> =>
    vtorque('start', '--dir', local, '--nodes', [nodes].flat().join(','), '--np', String(np));
  const work = join(user.home, `vtt-work-${base.slice(-6)}`);
  ending.defer(() => rm(work, { recursive: true, force: true }));
  await start();
  ending.defer(() => vtorque('stop', '--kill-jobs', '--dir', local));
  const cluster: TestCluster = {
    user,
    work,
    root,
    env,
    run: (command, { as = user, cwd = work, env: more = {}, input } = {}) => {
      const variables = Object.entries({
        ...env,
        HOME: as.home,
        USER: as.name,
        LOGNAME: as.name,
        SHELL: '/bin/bash',
        ...more,
      });
      // --reset-env of setpriv sets the user's own; env adds what the test wants.
      const withEnv = ['env', ...variables.map(([name, value]) => `${name}=${value}`), ...command];
      return execute([...as.become, ...withEnv], { cwd, input });
    },
    submit: async (args, script, name = 'job.sh') => {
      await writeFile(join(work, name), script, { mode: 0o644 });
      const { code, stdout, stderr } = await cluster.run(['vsub', ...args, name]);
      if (code !== 0) throw new Error(`vsub ${args.join(' ')} ended with ${code}: ${stderr}`);
      return stdout.trim();
    },
    wait: async (id, withinMs = patienceMs) => {
      const status = await waitForJob(id, AbortSignal.timeout(withinMs), env);
      const [stdout, stderr] = await Promise.all([outputOf(status.outputPath), outputOf(status.errorPath)]);
      return { id, status, exitStatus: status.exitStatus, stdout, stderr };
    },
    record: async (id) => (await lastRun(join(user.home, '.local/state/vtorque'), id))?.entries ?? [],
    appears: (file) => fileAppears(join(work, file)),
    restart: async () => {
      await vtorque('stop', '--dir', local);
      await start();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
  await mkdir(work, { recursive: true });
  if (user.become.length > 0) await execute(['chown', `${user.uid}:${user.gid}`, work], {});
  const all = ending.move();
  return cluster;
}

/** The content of an output file named `host:path`; empty when there is none (joined outputs). */
async function outputOf(path: string): Promise<Buffer> {
  return readFile(path.replace(/^[^:/]*:/, '')).catch(() => Buffer.alloc(0));
}

async function fileAppears(path: string): Promise<void> {
  const { promise: found, resolve, reject } = Promise.withResolvers<void>();
  const look = (): Promise<void> => access(path).then(resolve, () => {});
  // Changes that a guest makes are seen like any other: its server is a process of this host.
  const watcher = watch(dirname(path), look);
  const timer = setTimeout(() => reject(new Error(`"${path}" did not appear`)), patienceMs);
  try {
    await Promise.all([look(), found]);
  } finally {
    clearTimeout(timer);
    watcher.close();
  }
}

interface ExecuteOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Uint8Array | undefined;
  readonly timeoutMs?: number;
}

/** Run a command to its end, with a deadline. */
export function execute(
  command: readonly string[],
  { cwd, env, input, timeoutMs = patienceMs }: ExecuteOptions,
): Promise<CommandResult> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => out.push(data));
    child.stderr.on('data', (data: Buffer) => err.push(data));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
    // A command that does not read its input closes it early.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
