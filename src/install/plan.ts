import { join } from 'node:path';
import { shellWord } from '../base/index.ts';
import { openpbsHook } from './hooks/openpbs.ts';
import { torqueHooks } from './hooks/torque.ts';
import { reaperUnits } from './reaper-units.ts';
import type { Step } from './steps.ts';
import type { Release } from './tree.ts';

export type Role = 'head' | 'node' | 'all';
export type InstallEngine = 'torque' | 'openpbs' | 'slurm' | 'embedded';

export interface PlanOptions {
  readonly release: Release;
  readonly role: Role;
  readonly engine: InstallEngine;
  /** Absolute. */
  readonly prefix: string;
  /** Where Torque keeps its files on this machine. */
  readonly torqueHome: string;
  /** The directory of Torque's commands; undefined where it is not known. */
  readonly torqueCommands: string | undefined;
  /** The directory of Slurm's commands; undefined where it is not known. */
  readonly slurmCommands: string | undefined;
  /** Slurm's configuration, where it is not at the place that its commands know. */
  readonly slurmConf: string | undefined;
  /** An ordinary user's installation has no part in what belongs to the machine. */
  readonly asRoot: boolean;
  /** Whether a version is there that only has to be used: on a node with the head's file system. */
  readonly shared: boolean;
  /** Programs of the machine that can be run. */
  readonly systemctl: boolean;
  readonly qmgr: boolean;
}

/** `notes` are for the person who installs. */
export interface Plan {
  /** Whether the version takes part in the life cycle of the batch system's jobs. */
  readonly hooks: boolean;
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
}

const TORQUE_NOT_ON_PATH =
  'Without qstat and momctl nothing clears up after a crash. Install again with the commands of Torque on PATH';

/** Everything that is to be on this machine, in the order in which it is put there. Pure. */
export function planInstall(options: PlanOptions): Plan {
  const { release, role, prefix, asRoot, shared } = options;
  const current = join(prefix, 'current');
  const head = role !== 'node';
  const steps: Step[] = [];
  const notes: string[] = [];
  if (head || !shared) {
    steps.push({ kind: 'tree', path: join(prefix, release.name), release });
    steps.push({ kind: 'link', path: current, target: release.name });
  }
  if (head && asRoot) steps.push({ kind: 'file', path: '/etc/profile.d/vtorque.sh', content: profile(current) });
  if (head && !asRoot)
    notes.push(`To have the commands on PATH, put into ~/.profile: PATH=${shellWord(join(current, 'bin'))}:$PATH`);
  const hooks = planHooks(options, current);
  return { hooks: hooks.hooks, steps: [...steps, ...hooks.steps], notes: [...notes, ...hooks.notes] };
}

function planHooks(
  {
    release,
    role,
    engine,
    prefix,
    torqueHome,
    torqueCommands,
    slurmCommands,
    slurmConf,
    asRoot,
    ...machine
  }: PlanOptions,
  current: string,
): Plan {
  const none = (note: string): Plan => ({ hooks: false, steps: [], notes: [note] });
  if (engine === 'embedded') return { hooks: false, steps: [], notes: [] };
  if (!release.files.some(({ path }) => path === 'libexec/vtorque-hook')) {
    return none('This version has no hooks: jobs in VMs run without them');
  }
  if (!asRoot) return none("Hooks are root's: without them, jobs have what needs no privilege");
  const node = role !== 'head';
  const steps: Step[] = [];
  const notes: string[] = [];
  if (engine === 'torque' && node) {
    steps.push(...torqueHooks(torqueHome, current, torqueCommands));
    if (torqueCommands === undefined) notes.push(TORQUE_NOT_ON_PATH);
  }
  if (engine === 'openpbs' && role !== 'node') {
    const [file, commands] = openpbsHook(join(prefix, 'openpbs-hook.py'), current);
    if (file !== undefined) steps.push(file);
    if (commands?.kind === 'commands' && machine.qmgr) steps.push(commands);
    else if (commands?.kind === 'commands') {
      notes.push(
        ...[
          'There is no qmgr here. Where the server is, run:',
          ...[commands.create ?? [], ...commands.run].map((argv) => `  ${argv.map(shellWord).join(' ')}`),
        ],
      );
    }
  }
  if (node) {
    const commands = engine === 'torque' ? torqueCommands : engine === 'slurm' ? slurmCommands : undefined;
    const environment = engine === 'slurm' && slurmConf !== undefined ? { SLURM_CONF: slurmConf } : {};
    steps.push(...reaperUnits({ current, engine, commands, environment, systemctl: machine.systemctl }));
  }
  return { hooks: true, steps, notes };
}

function profile(current: string): string {
  const bin = shellWord(join(current, 'bin'));
  const completion = shellWord(join(current, 'share/completions/vtorque.bash'));
  return [
    '# vsub, vmgr and vtorque on PATH. Made by vtorque install.',
    `case ":$PATH:" in *:${bin}:*) ;; *) PATH=$PATH:${bin}; export PATH ;; esac`,
    `[ -z "$BASH_VERSION" ] || [ ! -r ${completion} ] || . ${completion}`,
    '',
  ].join('\n');
}
