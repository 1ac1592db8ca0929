import { delimiter } from 'node:path';
import type { EngineName } from '../../engine/engine.ts';

const COMMANDS = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * PATH for what is to ask the batch system. Its hooks have next to nothing on theirs (Torque 6.1: /bin:/usr/bin; Slurm 22.05: no PATH at all), and its commands may be
 * elsewhere; those of Slurm are looked for beside the daemon that has started this.
 */
export async function hookPath(engine: EngineName | undefined, { PATH }: NodeJS.ProcessEnv): Promise<string> {
  const usual = [...(PATH === undefined ? [] : [PATH]), COMMANDS];
  if (engine !== 'slurm' || process.getuid?.() !== 0) return usual.join(delimiter);
  const { commandsOfDaemon } = await import('../../engine/slurm/daemon-commands.ts');
  const own = commandsOfDaemon();
  return [...(own === undefined ? [] : [own]), ...usual].join(delimiter);
}
