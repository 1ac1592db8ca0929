import { Command, Option } from 'commander';
import type { EngineName } from '../engine/engine.ts';
import { findEngine } from '../engine/index.ts';
import { clearUp } from '../node/clear-up.ts';
import type { LeaseKey } from '../node/leases/lease.ts';
import { leasesPlace } from '../node/leases/place.ts';
import { LeaseStore } from '../node/leases/store.ts';
import type { ReapAction } from '../node/reaper/plan.ts';
import { knownJobs, reap } from '../node/reaper/reap.ts';
import { markedProcesses } from '../node/strays.ts';
import { loadConfig } from '../site/config/load.ts';

/** `vtorque reap`: remove what jobs that are no more have left on this node. */
export function reapCommand(): Command {
  return new Command('reap')
    .description('remove what jobs that are no more have left on this node')
    .addOption(
      new Option('--engine <engine>', 'whose jobs (default: the batch system that is found)').choices([
        ...['torque', 'openpbs', 'slurm', 'embedded'],
      ]),
    )
    .option('--dry-run', 'only say what would be removed')
    .option('--json', 'print what was done as JSON')
    .action(run);
}

interface ReapFlags {
  readonly engine?: EngineName;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

async function run({ engine: named, dryRun = false, json = false }: ReapFlags): Promise<void> {
  const uid = process.getuid?.() ?? 0;
  const config = await loadConfig(process.env, uid);
  const engine = await findEngine(process.env, named ?? config.value('engine.name'));
  const asked = Date.now();
  const marked = await markedProcesses();
  const live = knownJobs(await engine.liveJobs());
  const store = await LeaseStore.open(leasesPlace(engine.name, live.cluster, process.env, uid), uid);
  const report = await reap({ engine: engine.name, marked, asked, live, store, now: Date.now, clearUp, dryRun });
  const failed = new Map(report.failures.map(({ action, why }) => [action, why]));
  if (json) {
    const actions = report.actions.map((action) => ({ ...asData(action), failure: failed.get(action) ?? null }));
    process.stdout.write(`${JSON.stringify({ dryRun, actions })}\n`);
  } else {
    for (const action of report.actions) {
      const why = failed.get(action);
      process.stdout.write(
        `${why === undefined ? '' : 'not done: '}${asText(action)}${why === undefined ? '' : `: ${why}`}\n`,
      );
    }
  }
  if (failed.size > 0) process.exitCode = 1;
}

function keyOf(action: ReapAction): LeaseKey {
  return action.kind === 'release' ? action.lease.key : action.kind === 'kill' ? action.process.key : action.key;
}

function asData(action: ReapAction): Record<string, unknown> {
  const { engine, cluster, jobId, attempt, node } = keyOf(action);
  const process = action.kind === 'kill' ? { pid: action.process.pid, program: action.process.program } : {};
  return { action: action.kind, engine, cluster, jobId, attempt: attempt ?? null, node, ...process };
}

function asText(action: ReapAction): string {
  const { jobId, node } = keyOf(action);
  switch (action.kind) {
    case 'release':
      return `release job ${jobId} on ${node}`;
    case 'kill':
      return `kill process ${action.process.pid} (${action.process.program}) of job ${jobId}`;
    case 'forget':
      return `forget job ${jobId} on ${node}`;
  }
}
