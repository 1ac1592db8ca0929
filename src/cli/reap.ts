import { Command, Option } from 'commander';
import type { EngineName } from '../engine/engine.ts';
import { findEngine } from '../engine/index.ts';
import { devicesOf } from '../network/prepared/index.ts';
import { clearUpJob } from '../node/clear-up-job.ts';
import { covers, type LeaseKey } from '../node/leases/lease.ts';
import { leasesPlace } from '../node/leases/place.ts';
import { LeaseStore } from '../node/leases/store.ts';
import type { NetworkRecord } from '../node/network/records.ts';
import { networkRecords } from '../node/network/release.ts';
import type { ReapAction } from '../node/reaper/plan.ts';
import { knownJobs, reap } from '../node/reaper/reap.ts';
import { markedProcesses } from '../node/strays.ts';
import { markedDirectories } from '../node/temporary.ts';
import { loadConfig } from '../site/config/load.ts';
import { hookPath } from './hook/path.ts';

/** `vtorque reap`: remove what jobs that are gone have left on this node. */
export function reapCommand(): Command {
  return new Command('reap')
    .description('remove what jobs that are gone have left on this node')
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
  const wanted = named ?? config.value('engine.name');
  // The health check of Slurm's daemon runs this.
  const env = wanted === 'slurm' ? { ...process.env, PATH: await hookPath(wanted, process.env) } : process.env;
  const engine = await findEngine(env, wanted);
  const asked = Date.now();
  const [marked, directories] = await Promise.all([markedProcesses(), markedDirectories()]);
  const live = knownJobs(await engine.liveJobs());
  const leases = leasesPlace(engine.name, live.cluster, process.env, uid);
  const store = await LeaseStore.open(leases, uid);
  const records = await networkRecords(leases);
  const report = await reap({
    ...{ engine: engine.name, marked, directories, asked, live, store, now: Date.now, clearUp: clearUpJob, dryRun },
    networks: records.map(({ key }) => key),
  });
  const failed = new Map(report.failures.map(({ action, why }) => [action, why]));
  if (json) {
    const actions = report.actions.map((action) => ({
      ...asData(action, records),
      failure: failed.get(action) ?? null,
    }));
    process.stdout.write(`${JSON.stringify({ dryRun, actions })}\n`);
  } else {
    for (const action of report.actions) {
      const why = failed.get(action);
      process.stdout.write(
        `${why === undefined ? '' : 'not done: '}${asText(action, records)}${why === undefined ? '' : `: ${why}`}\n`,
      );
    }
  }
  if (failed.size > 0) process.exitCode = 1;
}

function keyOf(action: ReapAction): LeaseKey {
  if (action.kind === 'release') return action.lease.key;
  if (action.kind === 'kill') return action.process.key;
  return action.kind === 'directory' ? action.directory.key : action.key;
}

/** Network devices that go with it. */
function devicesWith(action: ReapAction, records: readonly NetworkRecord[]): string[] {
  if (action.kind !== 'release' && action.kind !== 'network') return [];
  return records.filter(({ key }) => covers(keyOf(action), key)).flatMap(devicesOf);
}

function asData(action: ReapAction, records: readonly NetworkRecord[]): Record<string, unknown> {
  const { engine, cluster, jobId, attempt, node } = keyOf(action);
  const process = action.kind === 'kill' ? { pid: action.process.pid, program: action.process.program } : {};
  const directory = action.kind === 'directory' ? { path: action.directory.path } : {};
  const devices = devicesWith(action, records);
  const network = devices.length > 0 ? { devices } : {};
  return {
    action: action.kind,
    engine,
    cluster,
    jobId,
    attempt: attempt ?? null,
    node,
    ...process,
    ...directory,
    ...network,
  };
}

function asText(action: ReapAction, records: readonly NetworkRecord[]): string {
  const { jobId, node } = keyOf(action);
  const devices = devicesWith(action, records).join(' ');
  switch (action.kind) {
    case 'release':
      return `release job ${jobId} on ${node}${devices === '' ? '' : `, with ${devices}`}`;
    case 'network':
      return `remove ${devices} of job ${jobId} on ${node}`;
    case 'kill':
      return `kill process ${action.process.pid} (${action.process.program}) of job ${jobId}`;
    case 'directory':
      return `remove ${action.directory.path} of job ${jobId} on ${node}`;
    case 'forget':
      return `forget job ${jobId} on ${node}`;
  }
}
