import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import {
  followJob,
  instanceInfo,
  type JobView,
  startInstance,
  stopInstance,
  waitForJob,
} from '../../src/engine/embedded/index.ts';
import { publicRoot } from '../../src/site/public-root.ts';
import { type CommandResult, execute } from './cluster.ts';
import { aUser, type TestUser } from './users.ts';

/** How long anything may take here, on a loaded machine. */
export const PATIENCE_MS = 60_000;

/** An instance of the embedded batch system for one test file, without VMs. */
export interface TestBatch extends AsyncDisposable {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  start(): Promise<void>;
  /** `kill -9` of the daemon; the next start finds what it left. */
  killDaemon(): Promise<void>;
  /** One of its commands, as a user. */
  run(user: UserAtWork, command: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Submit a script on standard input; returns the id. */
  submit(user: UserAtWork, script: string, args?: readonly string[], options?: RunOptions): Promise<string>;
  wait(id: string): Promise<JobView>;
  /** Wait until the job is seen in a state that fits. */
  waitFor(id: string, fits: (job: JobView) => boolean): Promise<JobView>;
  /** The processes that carry the mark of this instance in their environment or arguments, the daemon aside. */
  processes(): Promise<string[]>;
  /** What is in the directories that are empty when nothing runs. */
  files(): Promise<string[]>;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface BatchOptions {
  readonly nodes?: number;
  readonly np?: number;
  /** The instance's config.toml. */
  readonly config?: string;
}

export async function startBatch({ nodes = 2, np = 4, config }: BatchOptions = {}): Promise<TestBatch> {
  const base = await mkdtemp(join(tmpdir(), 'vtt-batch-'));
  await chmod(base, 0o755);
  const dir = join(base, 'local');
  const root = await publicRoot();
  const env = { PATH: `${join(root, 'libexec/pbs')}:/usr/bin:/bin`, VTORQUE_LOCAL: dir, LANG: 'C.UTF-8' };
  const signal = (): AbortSignal => AbortSignal.timeout(PATIENCE_MS);
  const batch: TestBatch = {
    dir,
    env,
    start: async () => {
      await startInstance({ env, uid: process.getuid?.() ?? 0, version: 'test', nodes, np });
    },
    killDaemon: async () => {
      const info = await instanceInfo(env);
      assert.ok(info, 'the daemon runs');
      process.kill(info.pid, 'SIGKILL');
      // A request that it did not answer any more counts as nothing: only a refused connection says that it is gone.
      await until(async () => (await instanceInfo(env).catch(() => 'dying')) === undefined, 'the daemon is gone');
    },
    run: (user, command, { input, env: more = {}, cwd = user.work } = {}) => {
      const variables = {
        ...env,
        HOME: user.home,
        USER: user.name,
        LOGNAME: user.name,
        SHELL: '/bin/bash',
        PWD: cwd,
        ...more,
      };
      const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
      return execute([...user.become, 'env', '-i', ...assignments, ...command], { cwd, input });
    },
    submit: async (user, script, args = [], options = {}) => {
      const { code, stdout, stderr } = await batch.run(user, ['qsub', ...args], { ...options, input: script });
      assert.equal(code, 0, stderr);
      return stdout.trim();
    },
    wait: (id) => waitForJob(id, signal(), env),
    waitFor: async (id, fits) => {
      for await (const job of followJob(id, signal(), env)) if (fits(job)) return job;
      throw new Error(`job ${id} ended without ever being in the wanted state`);
    },
    processes: async () => {
      const daemon = (await instanceInfo(env))?.pid;
      const found: string[] = [];
      for (const pid of await readdir('/proc')) {
        if (!/^\d+$/.test(pid) || Number(pid) === process.pid || Number(pid) === daemon) continue;
        const [environment, args] = await Promise.all(
          ['environ', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
        );
        if (environment?.includes(dir) || args?.includes(dir)) found.push(`${pid} ${args?.replaceAll('\0', ' ')}`);
      }
      return found;
    },
    files: async () => {
      const places = ['spool', 'tmp', 'aux', 'mom_priv/jobs', 'server_priv/run', 'server_priv/incoming'];
      const names = await Promise.all(
        places.map(async (p) => (await readdir(join(dir, p))).map((name) => `${p}/${name}`)),
      );
      return names.flat();
    },
    [Symbol.asyncDispose]: async () => {
      // A test that failed may have left the jobs without a daemon.
      await batch.start();
      await stopInstance(env, true);
      await rm(base, { recursive: true, force: true });
    },
  };
  if (config !== undefined) {
    await mkdir(dir);
    await writeFile(join(dir, 'config.toml'), config);
  }
  await batch.start();
  return batch;
}

/** A user with a directory in which his commands run. */
export interface UserAtWork extends TestUser {
  readonly work: string;
}

function inOwnDirectory(user: TestUser, batch: TestBatch): UserAtWork {
  return {
    ...user,
    work: join(user.home, `vtt-${batch.dir.split('/').at(-2)}`),
    [Symbol.dispose]: () => user[Symbol.dispose](),
  };
}

/** What the tests of one file share: a batch system, users, and a look at what is left after each test. */
export interface BatchContext {
  readonly batch: TestBatch;
  readonly user: UserAtWork;
  /** Somebody else; the same user where the tests do not run as root. */
  readonly other: UserAtWork;
  /** A path in the directory that the commands run in: the test's own, below the user's home, removed at the end. */
  file(name: string): string;
  /** What a job of the user wrote to its output, by the default name. */
  output(id: string, name?: string): Promise<string>;
  errors(id: string, name?: string): Promise<string>;
}

/** Start a batch system before the tests of this file, and see after each that it left nothing. */
export function useBatch(options: BatchOptions = {}): BatchContext {
  let started: Pick<BatchContext, 'batch' | 'user' | 'other'> | undefined;
  const here = (): Pick<BatchContext, 'batch' | 'user' | 'other'> =>
    started ?? assert.fail('the batch system is started');
  before(async () => {
    const batch = await startBatch(options);
    started = { batch, user: inOwnDirectory(aUser(), batch), other: inOwnDirectory(aUser(), batch) };
    for (const { work } of [started.user, started.other]) await mkdir(work, { recursive: true });
    for (const { uid, gid, work } of [started.user, started.other]) await chown(work, uid, gid);
  });
  afterEach(async () => {
    const { batch, user } = here();
    await batch.start();
    await batch.run(user, ['qdel', 'all']);
    // The kill of what is left takes at most the 5 s that are promised.
    await until(async () => (await batch.processes()).length === 0, 'no process of a job is left', 10_000);
    await until(async () => (await batch.files()).length === 0, 'no file of a job is left', 10_000);
  });
  after(async () => {
    const { batch, user, other } = here();
    await batch[Symbol.asyncDispose]();
    for (const { work } of [user, other]) await rm(work, { recursive: true, force: true });
    user[Symbol.dispose]();
    other[Symbol.dispose]();
  });
  const context: BatchContext = {
    get batch() {
      return here().batch;
    },
    get user() {
      return here().user;
    },
    get other() {
      return here().other;
    },
    file: (name) => join(context.user.work, name),
    output: (id, name = 'STDIN') => readFile(context.file(`${name}.o${seq(id)}`), 'utf8'),
    errors: (id, name = 'STDIN') => readFile(context.file(`${name}.e${seq(id)}`), 'utf8'),
  };
  return context;
}

/** The number in a job's id. */
export function seq(id: string): string {
  return /^\d+/.exec(id)?.[0] ?? '';
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

export async function parentOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
}

/** Wait for something that nobody tells us of. */
export async function until(holds: () => Promise<boolean>, what: string, withinMs = PATIENCE_MS): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) assert.fail(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
