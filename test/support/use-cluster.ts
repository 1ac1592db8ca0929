import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { type ClusterOptions, type FinishedJob, startCluster, type TestCluster } from './cluster.ts';
import { expectNoResidue, lookForResidue, type Residue } from './residue.ts';
import { type AtTerminal, atTerminal } from './terminal.ts';

/** A batch system that the tests of one file, or of one suite, share. Its properties are there while they run. */
export interface SharedCluster extends Omit<TestCluster, typeof Symbol.asyncDispose> {
  /** A command of the user at a terminal, in his working directory. */
  atTerminal(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<AtTerminal>;
  /** Wait for the end of a job, and until nothing of it is left. */
  endsCleanly(id: string): Promise<FinishedJob>;
  /** Nothing of any job is on the machine. */
  expectIdle(): Promise<void>;
}

/**
 * What else is to be done before the tests: hooks of a file that stand side by side run at the same time.
 * What is given to `ending` is ended behind the tests, the last first, the batch system at its place among it.
 */
export interface SharedClusterOptions extends ClusterOptions {
  /** What stays on the machine. */
  readonly beforeStart?: () => Promise<void>;
  /** What is there before the batch system starts, and what it is then started with. */
  readonly around?: (ending: AsyncDisposableStack) => Promise<ClusterOptions | undefined>;
  readonly whenStarted?: (cluster: TestCluster, ending: AsyncDisposableStack) => void | Promise<void>;
}

/** Start a batch system before the tests, and end it behind them, when nothing of it may be left. */
export function useCluster({ beforeStart, around, whenStarted, ...options }: SharedClusterOptions = {}): SharedCluster {
  const ending = new AsyncDisposableStack();
  let started: TestCluster | undefined;
  let clean: Residue | undefined;
  /** With the batch system itself running, but no job. */
  let idle: Residue;
  const here = (): TestCluster => started ?? assert.fail('the batch system is started');

  before(async () => {
    await beforeStart?.();
    clean = await lookForResidue();
    started = ending.use(await startCluster({ ...options, ...(await around?.(ending)) }));
    await whenStarted?.(started, ending);
    idle = await lookForResidue();
  });

  after(async () => {
    await ending.disposeAsync();
    // Nothing is known where nothing has begun; what failed then is told already.
    if (clean !== undefined) await expectNoResidue(clean);
  });

  const shared: SharedCluster = {
    get user() {
      return here().user;
    },
    get work() {
      return here().work;
    },
    get root() {
      return here().root;
    },
    get env() {
      return here().env;
    },
    run: (...args) => here().run(...args),
    submit: (...args) => here().submit(...args),
    wait: (...args) => here().wait(...args),
    record: (id) => here().record(id),
    appears: (file) => here().appears(file),
    restart: () => here().restart(),
    atTerminal: (command, env = {}) => {
      const { name, home, become } = shared.user;
      const own = { HOME: home, USER: name, LOGNAME: name, SHELL: '/bin/bash', TERM: 'vt100' };
      return atTerminal(command, {
        ...{ become, env: { ...shared.env, ...own, ...env }, cwd: shared.work },
        withinMs: 120_000,
      });
    },
    endsCleanly: async (id) => {
      const job = await shared.wait(id);
      await shared.expectIdle();
      return job;
    },
    expectIdle: () => expectNoResidue(idle),
  };
  return shared;
}
