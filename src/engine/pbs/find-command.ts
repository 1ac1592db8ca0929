import { type Env, VtorqueError } from '../../base/index.ts';
import { commandsIn, directoriesOnPath } from '../search-path.ts';

/** Where commands of a batch system are when nobody says otherwise. */
const USUAL = ['/usr/local/bin', '/usr/bin', '/opt/torque/bin', '/opt/pbs/bin'];

/**
 * A command of the batch system, for a process of a job: its PATH need not have it, that of the submission had qsub.
 * @param first a directory that counts before all others
 * @throws VtorqueError `E_NODE_START`
 */
export function findJobCommand(name: string, env: Env, first?: string): string {
  const directories = [first, ...[env.PATH, env.PBS_O_PATH].flatMap(directoriesOnPath), ...USUAL];
  for (const path of commandsIn(directories, name)) return path;
  throw new VtorqueError('E_NODE_START', `Cannot start a program on the nodes of the job: there is no ${name} here`, {
    hint: 'Put the commands of the batch system on the PATH of jobs',
    phase: 'plan',
  });
}
