import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Env, VtorqueError, within } from '../../base/index.ts';
import { start } from '../../process/index.ts';
import { agentProgram, installRoot, isCheckout } from '../../site/index.ts';
import { NoServerError, request } from './client.ts';
import { instancesToTry, ownInstance } from './places.ts';
import { type InfoReply, PBSE, PbsError } from './protocol.ts';
import type { AskedShape } from './shape.ts';
import { buildShepherd } from './shepherd/build.ts';

export interface StartOptions extends AskedShape {
  readonly env: Env;
  readonly uid: number;
  readonly version: string;
  /** Instead of the instance that belongs to this user. */
  readonly dir?: string | undefined;
}

export interface StartResult {
  readonly started: boolean;
  readonly info: InfoReply;
}

const START_MS = 30_000;

/** The instance that an environment means, if it answers. */
export async function instanceInfo(env: Env): Promise<InfoReply | undefined> {
  try {
    return await request<InfoReply>(env, { op: 'info' });
  } catch (error) {
    if (error instanceof NoServerError) return undefined;
    throw error;
  }
}

/** An environment that means the instance in `dir`; the present one without it. */
export function meaning(env: Env, dir: string | undefined): Env {
  return dir === undefined ? env : { ...env, VTORQUE_LOCAL: resolve(dir) };
}

/** The directory of the instance that commands mean: the first that answers, else the one that this user would start. */
export async function meantInstance(env: Env, uid: number): Promise<string> {
  if (env.VTORQUE_LOCAL) return resolve(env.VTORQUE_LOCAL);
  for (const dir of instancesToTry(env)) if ((await instanceInfo(meaning(env, dir))) !== undefined) return dir;
  return ownInstance(env, uid);
}

/**
 * Start the embedded batch system and leave it running; does nothing when it runs already.
 * @throws VtorqueError `E_LOCAL_START` and others, with what the daemon said
 */
export async function startInstance(options: StartOptions): Promise<StartResult> {
  const { uid } = options;
  const env = meaning(options.env, options.dir);
  const running = await instanceInfo(env);
  if (running !== undefined) return { started: false, info: running };
  const dir = env.VTORQUE_LOCAL ? resolve(env.VTORQUE_LOCAL) : ownInstance(env, uid);
  const helpers = dirname(agentProgram);
  // An installation has the programs and not their sources.
  if (isCheckout()) await buildShepherd(helpers);
  makeParents(dir);
  const { nodes, np, keepCompletedS } = options;
  await spawnDaemon(dir, [
    ...(nodes === undefined ? [] : [`--nodes=${[nodes].flat().join(',')}`]),
    ...(np === undefined ? [] : [`--np=${np}`]),
    ...(keepCompletedS === undefined ? [] : [`--keep-completed=${keepCompletedS}`]),
    `--helpers=${helpers}`,
    `--version=${options.version}`,
  ]);
  const info = await instanceInfo(meaning(env, dir));
  if (info === undefined) throw notStarted('it went away at once', dir);
  return { started: true, info };
}

/** Directories that are there keep their modes; new ones can be entered by all, since the jobs' owners must get through. */
function makeParents(dir: string): void {
  const umask = process.umask(0o022);
  try {
    mkdirSync(dirname(dir), { recursive: true });
  } finally {
    process.umask(umask);
  }
}

async function spawnDaemon(dir: string, args: readonly string[]): Promise<void> {
  const entry = [join(installRoot, 'libexec/start.cjs'), 'daemon'];
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME = '/', TZ } = process.env;
  const options = ['--disable-warning=ExperimentalWarning'];
  const child = start([process.execPath, ...options, ...entry, `--dir=${dir}`, ...args], {
    ...{ tie: 'free', apart: true, cwd: '/' },
    // Nothing of the starter's surroundings: the daemon serves others as well, and for long.
    env: { PATH, HOME, LANG: 'C.UTF-8', ...(TZ === undefined ? {} : { TZ }) },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  await child.begun;
  const said = await within(text(child.pipe(3)), {
    ms: START_MS,
    late: () => {
      child.signal('SIGKILL');
      return notStarted(`it was not ready within ${START_MS / 1000} s`, dir);
    },
  });
  child.abandon();
  if (said === '') throw notStarted('it ended at once', dir);
  const answer = JSON.parse(said) as DaemonAnswer;
  if (answer.ok) return;
  const { code, message, hint } = answer;
  throw new VtorqueError(code, message, hint === undefined ? {} : { hint });
}

type DaemonAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly hint?: string };

function notStarted(why: string, dir: string): VtorqueError {
  return new VtorqueError('E_LOCAL_START', `Cannot start the embedded batch system: ${why}`, {
    hint: `Its log is ${join(dir, 'server_priv/log')}`,
  });
}

/**
 * Stop the daemon. Running jobs go on, and the next daemon takes them up again, unless they are to be killed.
 * @returns what ran; undefined when nothing did
 */
export async function stopInstance(env: Env, killJobs: boolean): Promise<InfoReply | undefined> {
  const info = await instanceInfo(env);
  if (info === undefined) return undefined;
  try {
    await request(meaning(env, info.dir), { op: 'stop', killJobs });
  } catch (error) {
    if (!(error instanceof PbsError) || error.code !== PBSE.PERM) throw error;
    throw new VtorqueError('E_LOCAL_STOP', `Cannot stop the embedded batch system in "${info.dir}": it is another's`, {
      hint: 'Only root and whoever started it may stop it',
      cause: error,
    });
  }
  return info;
}
