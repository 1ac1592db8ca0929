import type { InteractiveCommand } from '../engine.ts';
import { INTERACTIVE } from './pbs-variables.ts';
import { notOnSlurm } from './refusal.ts';
import { askedCall, type QsubJob } from './sbatch.ts';
import { SLOTS } from './slots.ts';

// Beside other steps, with all that the job has on its first node.
const TASK =
  '--relative=0 --nodes=1 --ntasks=1 --ntasks-per-node=1 --overlap --mem=0 --cpu-bind=none --unbuffered --export=ALL';

/** That it is not started again goes without saying. */
const SAYS_NOTHING = 'r';

/**
 * The command of an interactive job: salloc, for which srun runs the program on the first node. When its caller dies, salloc gets a signal for
 * which it gives the job up: its own death would leave the nodes allocated. srun gets none, which would have the program killed at once. Pure.
 * @throws VtorqueError `E_NOT_ON_SLURM`
 */
export function interactiveCommand(job: QsubJob, program: readonly string[]): InteractiveCommand {
  const { options, env } = job;
  if (options.has('X')) throw notOnSlurm('-X with -I', 'Leave out -X');
  if (options.value('r') === 'y')
    throw notOnSlurm('-r y with -I', 'Leave it out: an interactive job is not started again');
  const call = askedCall(job, SAYS_NOTHING);
  const step = `export ${SLOTS}="$SLURM_JOB_ID:$SLURM_TASKS_PER_NODE"; exec srun ${TASK} -- "$@"`;
  return {
    command: ['setpriv', '--pdeathsig', 'TERM', '--', 'salloc', ...call.args, 'sh', '-c', step, 'sh', ...program],
    // salloc and srun are found by it, and the launcher has it: Slurm makes no login for the tasks of srun.
    env: { PATH: env.PATH, ...call.env, PBS_ENVIRONMENT: INTERACTIVE },
    inWords: qsubWords(),
  };
}

/** What only says again that the job waits, runs, has ended, or how its program has: the last one the program itself tells. */
const said =
  /^(salloc: (job \d+ (queued and waiting for resources|has been allocated resources)|Waiting for resource configuration|Nodes \S+ are ready for job)|srun: (cluster configuration lacks support for cpu binding|error: \S+: task 0: Exited with exit code \d+))$/;

/** Reads salloc's and srun's lines, and says what qsub would say in their place. */
function qsubWords(): NonNullable<InteractiveCommand['inWords']> {
  let waiting = false;
  let over = false;
  const stdout = (text: string): { to: 'stdout'; text: string } => ({ to: 'stdout', text });
  return (line) => {
    const [, event, id = ''] = /^salloc: (Pending|Granted|Relinquishing) job allocation (\d+)$/.exec(line) ?? [];
    const begun = waiting ? '' : `qsub: waiting for job ${id} to start\n`;
    if (event === 'Pending') {
      waiting = true;
      return stdout(begun);
    }
    if (event === 'Granted') {
      waiting = true;
      return stdout(`${begun}qsub: job ${id} ready\n\n`);
    }
    if (event === 'Relinquishing') {
      over = true;
      return stdout(`\nqsub: job ${id} completed\n`);
    }
    // Slurm says so, too, of a job that has ended by itself.
    const again = over && /^salloc: Job allocation \d+ has been revoked\.$/.test(line);
    return again || said.test(line) ? stdout('') : { to: 'stderr', text: `${line}\n` };
  };
}
