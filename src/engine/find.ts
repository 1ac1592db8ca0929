import { closeSync, existsSync, openSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Env } from '../base/index.ts';
import { installRoot } from '../site/index.ts';
import { commandsDir, connectInstance } from './embedded/client.ts';
import type { Engine, EngineName } from './engine.ts';
import { noBatchSystem } from './errors.ts';
import { pbsExec } from './openpbs/places.ts';
import { commandsIn, directoriesOnPath, isExecutable } from './search-path.ts';

/** Commands that look like qsub to PATH but hand on to one: taking them for the batch system would go round in circles. */
const NOT_AN_ENGINE = join(installRoot, 'bin');
/** Where its commands look, the last one where the controller hands its configuration out. */
const SLURM_CONFS = ['/etc/slurm/slurm.conf', '/etc/slurm-llnl/slurm.conf', '/run/slurm/conf/slurm.conf'];

/**
 * Find the batch system. Nothing is started for that: the first qsub on PATH tells by where it is and what it is; without one it
 * is OpenPBS where that is configured, else Slurm if its sbatch is there and configured, else the embedded one if that answers.
 * @param wanted as the site's configuration says
 * @throws VtorqueError `E_NO_BATCH_SYSTEM` when there is none
 */
export async function findEngine(env: Env, wanted: EngineName | 'auto' = 'auto'): Promise<Engine> {
  const name = wanted === 'auto' ? undefined : wanted;
  const qsub =
    commandOnPath(env, 'qsub') ?? (name === undefined || name === 'openpbs' ? configuredOpenPbs(env) : undefined);
  const engine = name ?? (qsub === undefined ? await engineWithoutQsub(env) : engineOf(qsub, pbsExec(env)));
  switch (engine) {
    case 'embedded': {
      const { EmbeddedEngine } = await import('./embedded/engine.ts');
      return new EmbeddedEngine(qsub !== undefined && isEmbedded(qsub) ? qsub.path : join(commandsDir, 'qsub'), env);
    }
    case 'torque':
    case 'openpbs': {
      if (qsub === undefined) throw noBatchSystem(`no qsub on PATH, and ${engine} is configured`);
      const { PbsEngine } = await import('./pbs/engine.ts');
      return new PbsEngine(engine, qsub.path, env);
    }
    case 'slurm': {
      const { SlurmEngine } = await import('./slurm/engine.ts');
      return new SlurmEngine(env, commandOnPath(env, 'sbatch')?.path);
    }
    case undefined:
      throw noBatchSystem('no qsub on PATH, and the embedded batch system does not run');
  }
}

interface Command {
  /** As it stands on PATH. */
  readonly path: string;
  /** Without links. */
  readonly real: string;
}

function commandOnPath(env: Env, name: string): Command | undefined {
  for (const path of commandsIn(directoriesOnPath(env.PATH), name)) {
    const real = realpathSync(path);
    if (!real.startsWith(`${NOT_AN_ENGINE}/`)) return { path, real };
  }
  return undefined;
}

/** Its jobs and hooks do not have its commands on PATH. */
function configuredOpenPbs(env: Env): Command | undefined {
  const exec = pbsExec(env);
  const path = exec === undefined ? undefined : join(exec, 'bin/qsub');
  return path !== undefined && isExecutable(path) ? { path, real: realpathSync(path) } : undefined;
}

async function engineWithoutQsub(env: Env): Promise<EngineName | undefined> {
  // Who means the embedded one on a machine of a cluster has its commands on PATH.
  if (isConfigured(env) && commandOnPath(env, 'sbatch') !== undefined) return 'slurm';
  const instance = await connectInstance(env).catch(() => undefined);
  instance?.close();
  return instance === undefined ? undefined : 'embedded';
}

/** Its commands alone may be there without any cluster. */
function isConfigured({ SLURM_CONF }: Env): boolean {
  return Boolean(SLURM_CONF) || SLURM_CONFS.some((file) => existsSync(file));
}

function engineOf(qsub: Command, pbsExec: string | undefined): EngineName {
  if (isEmbedded(qsub)) return 'embedded';
  // Slurm's own qsub, of which OpenPBS and Torque have none, is a script in Perl.
  if (/^#! *\/\S*perl\b/.test(headOf(qsub.real))) return 'slurm';
  return pbsExec !== undefined && qsub.real.startsWith(`${pbsExec}/`) ? 'openpbs' : 'torque';
}

/** Another checkout's commands are embedded ones as well. */
function isEmbedded(qsub: Command): boolean {
  return qsub.real.endsWith('/libexec/pbs/qsub');
}

function headOf(path: string): string {
  const head = Buffer.alloc(64);
  try {
    const file = openSync(path, 'r');
    readSync(file, head);
    closeSync(file);
  } catch {
    // What may be executed and not read is a binary.
  }
  return head.toString('latin1');
}
