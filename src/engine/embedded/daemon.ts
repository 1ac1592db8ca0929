import { chmodSync, lstatSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname, totalmem } from 'node:os';
import { fileReason, messageOf, shortName, VtorqueError } from '../../base/index.ts';
import { accountingIn } from './accounting.ts';
import { machineAccounts } from './accounts.ts';
import { Batch } from './batch.ts';
import { Dependencies } from './dependencies.ts';
import { Instance, removeLeftovers } from './instance.ts';
import { isArray } from './job.ts';
import { virtualNodes } from './nodes.ts';
import { directoriesOf, type InstancePlaces, instancePlaces } from './places.ts';
import { bootId, Runner } from './runner.ts';
import { listen } from './server.ts';
import { readSettings } from './settings.ts';
import { type AskedShape, shapeOf } from './shape.ts';
import type { Helpers } from './shepherd/build.ts';
import { submittedScript } from './start-job.ts';
import { lockInstance, Store } from './store.ts';
import { Terminals } from './terminals.ts';
import { UserRoom } from './user-room.ts';

export interface DaemonOptions extends AskedShape {
  readonly dir: string;
  readonly helpers: Helpers;
  readonly version: string;
}

export interface RunningDaemon {
  /** Resolves when it has stopped; running jobs go on. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

const PURGE_MS = 5000;
const KILL_JOBS_MS = 20_000;
const MAX_LOG = 5 << 20;
/** The kernel's limit for the path of a socket, its end mark included. */
const MAX_SOCKET_PATH = 108;

/**
 * Run an instance of the embedded batch system in this process.
 * @throws VtorqueError `E_LOCAL_RUNNING`, `E_LOCAL_DIR`, `E_LOCAL_STATE`
 */
export async function runDaemon(options: DaemonOptions): Promise<RunningDaemon> {
  const uid = process.getuid?.() ?? 0;
  const places = instancePlaces(options.dir);
  makeDirectories(places, uid);
  const settings = await readSettings(places.settings);
  const { log, logFd } = openLog(places);
  const lock = lockInstance(places.lock);
  const store = new Store(places.database);
  const { nodes, np, keepCompletedS } = options;
  const shape = shapeOf(store, { nodes, np, keepCompletedS });
  const accounts = machineAccounts(options.helpers.account, uid);
  const boot = bootId();
  const terminals = new Terminals();
  const runner: Runner = new Runner({
    places,
    accounts,
    shepherd: options.helpers.shepherd,
    version: options.version,
    settings,
    boot,
    logFd,
    log,
    batch: () => batch,
    terminals,
  });
  const write = accountingIn(places.accounting);
  const keepCompletedMs = shape.keepCompletedS * 1000;
  const batch: Batch = new Batch({
    store,
    server: store.setting('server', shortName(hostname()) || 'localhost'),
    nodes: virtualNodes(shape.nodes, shape.np),
    queues: settings.queues,
    keepCompletedMs,
    now: Date.now,
    boot,
    start: (job) => runner.start(job),
    account: (line, time) => {
      try {
        write(line, time);
      } catch (error) {
        log(`no accounting record: ${messageOf(error)}`);
      }
    },
    completed: (sequence) => void rm(submittedScript({ sequence }, places), { force: true }).catch(() => {}),
  });
  await removeLeftovers(places, batch.all());
  makeDirectories(places, uid);

  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  const stop = async (): Promise<void> => {
    clearInterval(purging);
    batch.pause();
    server.close();
    runner.detach();
    resolve();
  };
  const dependencies = new Dependencies(batch);
  const instance = new Instance({
    places,
    accounts,
    batch,
    room: new UserRoom(settings.maxUserSpool, () => batch.all()),
    dependencies,
    settings,
    runner,
    terminals,
    version: options.version,
    memory: totalmem(),
    since: Date.now(),
    keepCompletedMs,
    stop: async (killJobs) => {
      batch.pause();
      if (killJobs) await endAll(batch, runner);
      // After the answer has been sent.
      setImmediate(() => void stop());
    },
  });
  runner.adopt();
  endWithoutTerminal(batch);
  const purging = setInterval(() => batch.purge(), PURGE_MS);
  const server = await listen({
    path: places.socket,
    accounts,
    managerUid: uid,
    handle: (exchange) => instance.handle(exchange),
    log,
  });
  batch.reschedule();
  log(`started: pid ${process.pid}, ${batch.nodes.length} nodes with ${shape.np} slots`);
  return {
    stopped: stopped.then(() => {
      log('stopped');
      store[Symbol.dispose]();
      lock[Symbol.dispose]();
    }),
    stop,
  };
}

/** Interactive jobs that waited for their start have lost their clients with the daemon that they were connected to. */
function endWithoutTerminal(batch: Batch): void {
  for (const job of batch.all()) {
    if (!job.submission.interactive || job.state === 'C' || job.state === 'R') continue;
    batch.update(job, { state: 'C', endTime: batch.now(), exitStatus: 271, comment: 'Its terminal is gone' });
  }
}

/** End all running jobs, and wait until they have. */
async function endAll(batch: Batch, runner: Runner): Promise<void> {
  const running = batch.all().filter((job) => job.state === 'R' && !isArray(job));
  const ended = running.map((job) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const unwatch = batch.watch(job.id, () => job.state === 'C' && resolve());
    batch.update(job, { deleting: true });
    runner.end(job, 0);
    return promise.finally(unwatch);
  });
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, KILL_JOBS_MS);
  await Promise.race([Promise.all(ended), late]);
  clearTimeout(timer);
}

function makeDirectories(places: InstancePlaces, uid: number): void {
  if (Buffer.byteLength(places.socket) >= MAX_SOCKET_PATH) {
    throw new VtorqueError('E_LOCAL_DIR', `Cannot use "${places.dir}": the path is too long for a socket in it`, {
      hint: `Choose a directory with at most ${MAX_SOCKET_PATH - '/socket'.length - 1} characters`,
    });
  }
  for (const [path, mode] of directoriesOf(places)) {
    // An ordinary user's instance serves nobody else.
    makeDirectory(path, uid, uid !== 0 && path === places.dir ? 0o700 : mode);
  }
}

function makeDirectory(path: string, uid: number, mode: number): void {
  try {
    mkdirSync(path, { recursive: true, mode });
    const facts = lstatSync(path);
    if (facts.uid !== uid || !facts.isDirectory()) throw Object.assign(new Error(), { code: 'EEXIST' });
    chmodSync(path, mode);
  } catch (cause) {
    const isAnothers = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const reason = isAnothers ? 'it is no directory of yours' : fileReason(cause);
    throw new VtorqueError('E_LOCAL_DIR', `Cannot use "${path}": ${reason}`, {
      hint: 'Name a directory of your own: vtorque local start --dir DIRECTORY',
      cause,
    });
  }
}

function openLog({ log: path }: InstancePlaces): { log: (line: string) => void; logFd: number } {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG) renameSync(path, `${path}.old`);
  const logFd = openSync(path, 'a', 0o600);
  return { logFd, log: (line) => void writeSync(logFd, `${new Date().toISOString()} ${line}\n`) };
}
