import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { commandsIn, directoriesOnPath } from '../engine/search-path.ts';
import {
  type Change,
  type InstallEngine,
  install,
  isOfOthers,
  planInstall,
  type Role,
  releaseOf,
  slurmSettings,
  torqueHookPlaces,
  uninstall,
} from '../install/index.ts';
import { networkPlaces } from '../node/network/prepare.ts';
import { installRoot, leasesDirectory, ownPlaces } from '../site/index.ts';
import { engineOfFiles } from './install-engine.ts';
import { removeLeases, removeNetworkPlaces } from './uninstall-leases.ts';

const TORQUE_HOME = '/var/spool/torque';

interface InstallFlags {
  readonly role: Role;
  readonly prefix?: string;
  readonly engine?: InstallEngine;
  readonly torqueHome: string;
  readonly dryRun?: boolean;
  readonly json?: true;
}

interface UninstallFlags {
  readonly torqueHome: string;
  readonly dryRun?: boolean;
  readonly json?: true;
}

/** `vtorque install` */
export function installCommand(): Command {
  return new Command('install')
    .description('put this version onto this machine')
    .addOption(new Option('--role <role>', 'what this machine is').choices(['head', 'node', 'all']).default('all'))
    .option('--prefix <directory>', 'where versions are kept (default: /opt/vtorque, or ~/.local/opt/vtorque)')
    .addOption(
      new Option('--engine <engine>', 'the batch system (default: the one whose files are here)').choices([
        ...['torque', 'openpbs', 'slurm', 'embedded'],
      ]),
    )
    .option('--torque-home <directory>', 'where Torque keeps its files', TORQUE_HOME)
    .option('--dry-run', 'print every path that would be touched, and touch none')
    .option('--json', 'print JSON')
    .action(runInstall);
}

/** `vtorque uninstall` */
export function uninstallCommand(): Command {
  return new Command('uninstall')
    .description('take away what install has put here')
    .option('--torque-home <directory>', 'where Torque keeps its files', TORQUE_HOME)
    .option('--dry-run', 'print every path that would be touched, and touch none')
    .option('--json', 'print JSON')
    .action(runUninstall);
}

async function runUninstall({ torqueHome, dryRun = false, json }: UninstallFlags): Promise<void> {
  const uid = process.getuid?.() ?? 0;
  const there = existsSync(recordFile());
  const leases = there ? await removeLeases(leasesDirectory(process.env, uid), uid, dryRun) : [];
  const networks = there && uid === 0 ? removeNetworkPlaces(Object.values(networkPlaces), dryRun) : [];
  const changes = [
    ...leases,
    ...networks,
    ...(await uninstall(recordFile(), { dryRun, hooks: torqueHookPlaces(resolve(torqueHome)) })),
  ];
  print({ changes, notes: [] }, json, 'There is nothing to take away');
}

async function runInstall({
  role,
  engine: named,
  torqueHome,
  dryRun = false,
  json,
  ...flags
}: InstallFlags): Promise<void> {
  const asRoot = process.getuid?.() === 0;
  const prefix = resolve(flags.prefix ?? (asRoot ? '/opt/vtorque' : join(homedir(), '.local/opt/vtorque')));
  const engine = named ?? engineOfFiles({ torqueHome, pbsConf: '/etc/pbs.conf', slurmConf: slurmConfig() }, existsSync);
  const release = await releaseOf(installRoot, process.execPath);
  const { hooks, steps, notes } = planInstall({
    ...{ release, role, engine, prefix, torqueHome: resolve(torqueHome), asRoot },
    torqueCommands: directoryOnPath('qstat'),
    slurmCommands: directoryOnPath('scontrol'),
    slurmConf: process.env.SLURM_CONF,
    shared: await isOfOthers(prefix, recordFile()),
    systemctl: isOnPath('systemctl') && existsSync('/run/systemd/system'),
    qmgr: isOnPath('qmgr'),
  });
  const changes = await install({ steps, prefix, record: recordFile(), dryRun });
  const lines = hooks && engine === 'slurm' ? slurmNotes(join(prefix, 'current')) : [];
  print({ release: release.name, prefix, engine, changes, notes: [...notes, ...lines] }, json, 'All is there already');
}

function recordFile(): string {
  return join(ownPlaces(process.env, process.getuid?.() ?? 0).data, 'install.json');
}

function slurmConfig(): string {
  return process.env.SLURM_CONF ?? '/etc/slurm/slurm.conf';
}

function slurmNotes(current: string): string[] {
  const file = slurmConfig();
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const open = slurmSettings(text, current).filter(({ state }) => state !== 'there');
  if (open.length === 0) return [`${file} has all that is needed`];
  const lines = open.map(({ line, value }) => `  ${line}${value === undefined ? '' : `   # now: ${value}`}`);
  return [`${file} needs these lines, on all machines; then run: scontrol reconfigure`, ...lines];
}

function isOnPath(program: string): boolean {
  return directoryOnPath(program) !== undefined;
}

function directoryOnPath(program: string): string | undefined {
  for (const path of commandsIn(directoriesOnPath(process.env.PATH), program)) return dirname(path);
  return undefined;
}

interface Result {
  readonly changes: readonly Change[];
  readonly notes: readonly string[];
  readonly [fact: string]: unknown;
}

function print(result: Result, json: true | undefined, nothing: string): void {
  const lines = result.changes.map(
    ({ action, path, why }) => `${action.padEnd(7)}  ${path}${why === undefined ? '' : `: ${why}`}`,
  );
  const text = [...(lines.length === 0 ? [nothing] : lines), ...result.notes].join('\n');
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${text}\n`);
}
