import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { delimiter, join } from 'node:path';
import { messageOf, VtorqueError, within } from '../../base/index.ts';
import type { EngineName } from '../../engine/engine.ts';
import { hookExitCode, readHookCall } from '../../engine/hooks.ts';
import { clearUp } from '../../node/clear-up.ts';
import { HOOK_WITHIN_MS, prepare, release } from '../../node/hook.ts';
import { leasesPlace } from '../../node/leases/place.ts';
import { LeaseStore } from '../../node/leases/store.ts';
import { installRoot } from '../../site/index.ts';
import { ownerOf } from './owner.ts';

/** Hooks of one node come in crowds; what one reaper finds, the others need not look for. */
const REAP_EVERY_MS = 60_000;
const COMMANDS = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Prepare or release a job on this node. What is still being done when this returns is for the caller to leave behind.
 * @param since milliseconds since 1970 at which the hook began
 * @returns the exit code, which is 0 whatever goes wrong: any other would take the node down, or start the job again and again. What
 *   went wrong is written to the standard error, and the job's launcher finds out by itself
 */
export async function serveHook(
  engine: EngineName,
  event: string,
  words: readonly string[],
  since: number,
): Promise<number> {
  try {
    await within(act(engine, event, words, since), { ms: HOOK_WITHIN_MS, late: tooLate });
    return hookExitCode({ kind: 'done' });
  } catch (error) {
    const why = messageOf(error);
    process.stderr.write(`vtorque hook ${engine} ${event}: ${why}\n`);
    return hookExitCode({ kind: 'failed', why });
  }
}

async function act(engine: EngineName, event: string, words: readonly string[], since: number): Promise<void> {
  const uid = process.getuid?.() ?? 0;
  const call = await readHookCall(engine, event, words, process.env, hostname());
  if (call === undefined) return;
  const { cluster, jobId, attempt, node } = call;
  const job = { key: { engine, cluster, jobId, attempt, node }, owner: await ownerOf(call.owner) };
  const store = await LeaseStore.open(leasesPlace(engine, cluster, process.env, uid), uid);
  if (await store.isDue('reap', REAP_EVERY_MS, Date.now())) startReaper(engine);
  const deps = { store, now: Date.now, clearUp };
  await (call.event === 'prepare' ? prepare(job, since, deps) : release(job, deps));
}

function tooLate(): VtorqueError {
  return new VtorqueError(
    'E_HOOK_LATE',
    `Cannot finish within ${HOOK_WITHIN_MS / 1000} s: the rest is left to the reaper`,
  );
}

/** On its own, since it asks the batch system, which waits for this hook. */
function startReaper(engine: EngineName): void {
  const { PATH } = process.env;
  const reaper = spawn(join(installRoot, 'bin/vtorque'), ['reap', '--engine', engine], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    // Hooks have next to nothing on PATH (Torque 6.1: /bin:/usr/bin), and it needs the commands of the batch system.
    env: { ...process.env, PATH: [...(PATH === undefined ? [] : [PATH]), COMMANDS].join(delimiter) },
  });
  // That it cannot be started is no reason to fail: there is a timer, too.
  reaper.on('error', () => {});
  reaper.unref();
}
