import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { delimiter, join } from 'node:path';
import { messageOf, VtorqueError, within } from '../../base/index.ts';
import type { EngineName, HookCall } from '../../engine/engine.ts';
import { hookExitCode, nodesOfHook, readHookCall } from '../../engine/hooks.ts';
import { clearUpJob } from '../../node/clear-up-job.ts';
import { endBeforehand } from '../../node/end-beforehand.ts';
import { HOOK_WITHIN_MS, type HookedJob, prepare, release } from '../../node/hook.ts';
import { leasesPlace } from '../../node/leases/place.ts';
import { LeaseStore } from '../../node/leases/store.ts';
import { systemConfigFile } from '../../site/config-files.ts';
import { installRoot } from '../../site/index.ts';
import { ownerOf } from './owner.ts';

/** Hooks of one node come in crowds; what one reaper finds, the others need not look for. */
const REAP_EVERY_MS = 60_000;
const COMMANDS = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface HookServing {
  /** Milliseconds since 1970 at which the hook began. */
  readonly since: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds. */
  readonly withinMs?: number;
}

/**
 * Prepare or release a job on this node. What is still being done when this returns is for the caller to leave behind.
 * @returns the exit code, which is 0 whatever goes wrong: any other would take the node down, or start the job again and again. What
 *   went wrong is written to the standard error, and the job's launcher finds out by itself
 */
export async function serveHook(
  engine: EngineName,
  event: string,
  words: readonly string[],
  { since, env = process.env, withinMs = HOOK_WITHIN_MS }: HookServing,
): Promise<number> {
  try {
    await within(act(engine, event, words, since, env), { ms: withinMs, late: () => tooLate(withinMs) });
    return hookExitCode({ kind: 'done' });
  } catch (error) {
    const why = messageOf(error);
    process.stderr.write(`vtorque hook ${engine} ${event}: ${why}\n`);
    return hookExitCode({ kind: 'failed', why });
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
  if (await store.isDue('reap', REAP_EVERY_MS, Date.now())) startReaper(engine, env);
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
  const nodes = await nodesOfHook(engine, call, { ...env, PATH: hookPath(env) });
  const { prepareNetwork } = await import('../../node/network/prepare.ts');
  await prepareNetwork({ job, nodes, settings, leases });
}

/** Hooks have next to nothing on PATH (Torque 6.1: /bin:/usr/bin), and the commands of the batch system may be elsewhere. */
function hookPath({ PATH }: NodeJS.ProcessEnv): string {
  return [...(PATH === undefined ? [] : [PATH]), COMMANDS].join(delimiter);
}

function tooLate(ms: number): VtorqueError {
  return new VtorqueError('E_HOOK_LATE', `Cannot finish within ${ms / 1000} s: the rest is left to the reaper`);
}

/** On its own, since it asks the batch system, which waits for this hook. */
function startReaper(engine: EngineName, env: NodeJS.ProcessEnv): void {
  const reaper = spawn(join(installRoot, 'bin/vtorque'), ['reap', '--engine', engine], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    env: { ...env, PATH: hookPath(env) },
  });
  // That it cannot be started is no reason to fail: there is a timer, too.
  reaper.on('error', () => {});
  reaper.unref();
}
