import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type EngineName, findEngine, pbsMomHome } from '../../engine/index.ts';
import { slurmSettings } from '../../install/index.ts';
import { run } from '../../process/index.ts';
import { loadConfig } from '../../site/config/load.ts';
import { HOOK_WITHIN_MS } from '../hook.ts';
import { type Check, type DoctorDeps, error, fine, warning } from './finding.ts';

type Found = Awaited<ReturnType<Check['run']>>;

/** What clears up after jobs on a node. */
export const hookChecks: readonly Check[] = [
  { name: 'hooks', roles: ['node'], run: hooks },
  { name: 'prologalarm', roles: ['node'], run: prologAlarm },
];

const EVENTS = ['prologue', 'prologue.parallel', 'epilogue', 'epilogue.parallel'];
const WITHOUT = 'jobs in VMs run without them, but what a crash leaves stays until somebody runs vtorque reap';
const PRECANCEL = 'epilogue.precancel';
const INSTALL = 'vtorque install --role node, as root';
const OPENPBS_ASK = 'where the server is: qmgr -c "list hook vtorque"';

async function hooks(deps: DoctorDeps): Promise<Found> {
  switch (await engineHere(deps)) {
    case 'torque':
      return filesOf(join(deps.torqueHome, 'mom_priv'), INSTALL);
    case 'embedded': {
      const { instanceInfo } = await import('../../engine/embedded/index.ts');
      const info = await instanceInfo(deps.env).catch(() => undefined);
      if (info === undefined) return [warning('it is not known which instance is meant', 'vtorque local start')];
      return filesOf(join(info.dir, 'mom_priv'), 'See docs/hooks.md, "The embedded batch system"');
    }
    case 'slurm':
      return ofSlurm(deps);
    case 'openpbs':
      return ofOpenPbs(deps);
    case undefined:
      return [warning('without a batch system there are none', 'See "batch system"')];
  }
}

async function engineHere({ env, uid }: DoctorDeps): Promise<EngineName | undefined> {
  try {
    const config = await loadConfig(env, uid);
    return (await findEngine(env, config.value('engine.name'))).name;
  } catch {
    // Other checks say why.
    return undefined;
  }
}

/** Hooks that are files in a directory, by Torque's names. */
export async function filesOf(directory: string, remedy: string): Promise<Found> {
  const found = await Promise.all(EVENTS.map(async (event) => ({ event, is: await lookAt(join(directory, event)) })));
  const of = (is: Awaited<ReturnType<typeof lookAt>>): string =>
    found
      .filter((each) => each.is === is)
      .map(({ event }) => event)
      .join(', ');
  if (of('closed') !== '')
    return [warning(`"${directory}" cannot be read by this user`, 'Run vtorque doctor as root on the node')];
  const precancel = await precancelIn(directory, remedy);
  if (of('ours') === EVENTS.join(', ')) return [fine(`ours are in "${directory}"`), precancel];
  const missing = [of('missing'), of('another')].filter((names) => names !== '').join(', ');
  return [
    ...(missing === '' ? [] : [warning(`not installed in "${directory}": ${missing}; ${WITHOUT}`, remedy)]),
    ...(of('not run') === ''
      ? []
      : [
          error(
            `in "${directory}" the batch system runs these not, and fails jobs for it: ${of('not run')}`,
            'They must be executable, and only their owner may write there: chmod 0755',
          ),
        ]),
    precancel,
  ];
}

/** Unlike the others it fails no job where it cannot be run. */
async function precancelIn(directory: string, remedy: string): Promise<Found[number]> {
  const is = await lookAt(join(directory, PRECANCEL));
  if (is === 'ours') return fine(`${PRECANCEL} is ours: a disk of a deleted job is unmounted before the job is killed`);
  const state = is === 'not run' ? 'may not be run in' : 'is not installed in';
  const means = 'the disk of a job that qdel ends is not unmounted before the job is killed';
  return warning(
    `${PRECANCEL} ${state} "${directory}": ${means}`,
    is === 'not run' ? 'It must be executable, and only its owner may write there: chmod 0755' : remedy,
  );
}

async function lookAt(path: string): Promise<'ours' | 'another' | 'missing' | 'not run' | 'closed'> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o100) === 0 || (mode & 0o022) !== 0) return 'not run';
    return (await readFile(path, 'latin1')).includes('/libexec/vtorque-hook') ? 'ours' : 'another';
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EACCES' ? 'closed' : 'missing';
  }
}

async function ofSlurm({ env }: DoctorDeps): Promise<Found> {
  const shown = await ask('scontrol', ['show', 'config'], env);
  if (shown === undefined)
    return [warning('Slurm does not tell its configuration', 'See whether the controller runs: scontrol ping')];
  return slurmHooks(shown, async (path) => {
    await access(path, constants.X_OK);
  });
}

/**
 * @param shown what `scontrol show config` prints
 * @param runs rejects for a program that cannot be run here
 */
export async function slurmHooks(shown: string, runs: (path: string) => Promise<void>): Promise<Found> {
  const config = shown.replace(/^(Prolog|Epilog)\[\d+\]/gm, '$1').replaceAll(/^.*= \(null\)$/gm, '');
  const [, current] = /^\s*Prolog\s*=\s*(\S+)\/libexec\/slurm\/prolog\s*$/m.exec(config) ?? [];
  if (current === undefined) return [warning(`not installed: Prolog is not ours; ${WITHOUT}`, INSTALL)];
  const lacking = slurmSettings(config, current).filter(({ state }) => state !== 'there');
  const program = join(current, 'libexec/vtorque-hook');
  const broken = await runs(program).then(
    () => [],
    () => [warning(`"${program}" cannot be run on this machine: hooks do nothing here`, INSTALL)],
  );
  const settings = lacking.map(({ line }) =>
    warning(`slurm.conf lacks ${line}`, 'Add it on all machines; then: scontrol reconfigure'),
  );
  return broken.length + settings.length > 0
    ? [...broken, ...settings]
    : [fine(`Prolog and Epilog are those of "${current}"`)];
}

/** The server has the hook, and hands it to the nodes. */
async function ofOpenPbs({ env }: DoctorDeps): Promise<Found> {
  const shown = await ask('qmgr', ['-c', 'list hook vtorque'], env);
  if (shown === undefined) {
    const home = pbsMomHome(env);
    const copy = home === undefined ? undefined : await openPbsCopy(join(home, 'mom_priv/hooks/vtorque.PY'));
    return [copy ?? warning('it is not known whether the server has our hook', `As root ${OPENPBS_ASK}`)];
  }
  return /^\s*enabled = true$/im.test(shown)
    ? [fine('the server has ours, enabled')]
    : [warning(`ours is not enabled; ${WITHOUT}`, 'qmgr -c "set hook vtorque enabled = True"')];
}

/**
 * What a node has got from the server.
 * @returns undefined for who may not read it, and where there is none: the server may not have reached this machine yet
 */
export async function openPbsCopy(path: string): Promise<Found[number] | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const [, program] = /^PROGRAM = (".*")$/m.exec(text ?? '') ?? [];
  if (program === undefined) return undefined;
  return access(JSON.parse(program), constants.X_OK).then(
    () => fine('this node has ours from the server'),
    () => warning(`${program} cannot be run on this machine: the hook does nothing here`, INSTALL),
  );
}

async function ask(
  program: string,
  args: readonly string[],
  { PATH = '/usr/bin:/bin', SLURM_CONF }: DoctorDeps['env'],
): Promise<string | undefined> {
  const { code, stdout } = await run([program, ...args], { env: { PATH, SLURM_CONF } });
  return code === 0 ? stdout.toString() : undefined;
}

async function prologAlarm(deps: DoctorDeps): Promise<Found> {
  if ((await engineHere(deps)) !== 'torque') return [];
  const file = join(deps.torqueHome, 'mom_priv/config');
  try {
    return [alarmOf(await readFile(file, 'utf8'))];
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [alarmOf('')];
    return [warning(`"${file}" cannot be read by this user`, 'Run vtorque doctor as root on the node')];
  }
}

/** What Torque makes of `$prologalarm` is 10 s less than it says, if it is more than 10 (Torque 6.1, observed). Pure. */
export function alarmOf(config: string): Found[number] {
  const [, text] = [...config.matchAll(/^\s*\$prologalarm\s+(\d+)/gm)].at(-1) ?? [];
  const set = Number(text ?? 300);
  const effective = set > 10 ? set - 10 : set;
  const needed = HOOK_WITHIN_MS / 1000;
  const said = `hooks have ${effective} s ($prologalarm ${set}${text === undefined ? ', as built in' : ''})`;
  if (effective > needed) return fine(`${said}; ours end by themselves after ${needed} s`);
  return warning(
    `${said}; ours may need ${needed} s, and one that is killed puts its job back into the queue`,
    `In mom_priv/config: $prologalarm ${needed + 15}, or more`,
  );
}
