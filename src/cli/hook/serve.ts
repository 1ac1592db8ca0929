import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf, VtorqueError, within } from '../../base/index.ts';
import type { EngineName, HookCall } from '../../engine/engine.ts';
import { nodesOfHook, readHookCall } from '../../engine/hooks.ts';
import { clearUpJob } from '../../node/clear-up-job.ts';
import { endBeforehand } from '../../node/end-beforehand.ts';
import { HOOK_WITHIN_MS, type HookedJob, prepare, release } from '../../node/hook.ts';
import { leasesPlace } from '../../node/leases/place.ts';
import { LeaseStore } from '../../node/leases/store.ts';
import { start } from '../../process/index.ts';
import { systemConfigFile } from '../../site/config-files.ts';
import { installRoot } from '../../site/index.ts';
import { ownerOf } from './owner.ts';
import { hookPath } from './path.ts';

/** Hooks of one node come in crowds; what one reaper finds, the others need not look for. */
const REAP_EVERY_MS = 60_000;

export interface HookServing {
  /** Milliseconds since 1970 at which the hook began. */
  readonly since: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds. */
  readonly withinMs?: number;
}

/**
 * Prepare or release a job on this node. What is still being done when this returns is for the caller to leave behind.
 *
 * It never throws, and the hook is to end with 0 whatever goes wrong: anything else puts the job back into the queue for ever and takes the
 * node down (Torque 6.1, observed), and a user's mistake must do neither. What went wrong is written to the standard error, and the job's
 * launcher finds out by itself.
 */
export async function serveHook(
  engine: EngineName,
  event: string,
  words: readonly string[],
  { since, env = process.env, withinMs = HOOK_WITHIN_MS }: HookServing,
): Promise<void> {
  try {
    await within(act(engine, event, words, since, env), { ms: withinMs, late: () => tooLate(withinMs) });
  } catch (error) {
    process.stderr.write(`vtorque hook ${engine} ${event}: ${messageOf(error)}\n`);
  }
}

async function act(
  engine: EngineName,
  event: string,
  words: readonly string[],
  since: number,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const uid = process.getuid?.() ?? 0;
  const call = await readHookCall(engine, event, words, env, hostname());
  if (call === undefined) return;
  const { cluster, jobId, attempt, node } = call;
  if (call.event === 'cancel') return endBeforehand({ engine, cluster, jobId, attempt, node });
  const job = { key: { engine, cluster, jobId, attempt, node }, owner: await ownerOf(call.owner) };
  const leases = leasesPlace(engine, cluster, env, uid);
  const store = await LeaseStore.open(leases, uid);
  if (await store.isDue('reap', REAP_EVERY_MS, Date.now())) await startReaper(engine, env);
  const deps = { store, now: Date.now, clearUp: clearUpJob };
  if (call.event === 'release') await release(job, deps);
  else
    await prepare(job, since, {
      ...deps,
      provide: (prepared) => provideNetwork({ engine, call, env, leases }, prepared),
    });
}

interface CalledHook {
  readonly engine: EngineName;
  readonly call: HookCall;
  readonly env: NodeJS.ProcessEnv;
  /** Directory. */
  readonly leases: string;
}

/** Most sites let root prepare no networks: nothing of them is loaded there. */
async function provideNetwork({ engine, call, env, leases }: CalledHook, job: HookedJob): Promise<void> {
  if (process.getuid?.() !== 0 || !existsSync(systemConfigFile)) return;
  const [{ loadConfig }, { networkSettings }] = await Promise.all([
    import('../../site/config/index.ts'),
    import('../../node/network/settings.ts'),
  ]);
  const settings = networkSettings(await loadConfig(env, 0), call.node);
  if (settings === undefined) return;
  const nodes = await nodesOfHook(engine, call, { ...env, PATH: await hookPath(engine, env) });
  const { prepareNetwork } = await import('../../node/network/prepare.ts');
  await prepareNetwork({ job, nodes, settings, leases });
}

function tooLate(ms: number): VtorqueError {
  return new VtorqueError('E_HOOK_LATE', `Cannot finish within ${ms / 1000} s: the rest is left to the reaper`);
}

/** On its own, since it asks the batch system, which waits for this hook. */
async function startReaper(engine: EngineName, env: NodeJS.ProcessEnv): Promise<void> {
  // That it cannot be started is no reason to fail: there is a timer, too.
  start([join(installRoot, 'bin/vtorque'), 'reap', '--engine', engine], {
    ...{ tie: 'free', apart: true, env: { ...env, PATH: await hookPath(engine, env) }, cwd: '/' },
  }).abandon();
}
