import type { JobContext } from '../context.ts';
import type { HookedJob } from './orders.ts';

export interface ArgumentFacts {
  readonly context: Pick<JobContext, 'id' | 'owner'>;
  readonly job: HookedJob;
  /** What the batch system has set for the job. */
  readonly variables: Readonly<Record<string, string>>;
  /** Path of the job's script in the guest of rank 0. */
  readonly script: string;
}

/** How the job's script has ended, for those that run behind it. */
export interface ScriptEnd {
  readonly exitCode: number;
  /** Milliseconds since the prologues of this VM had ended. */
  readonly ranMs: number;
}

/** The words behind the name of a prologue, as Torque has them: eight. Pure. */
export function prologueArguments({ context, job, variables, script }: ArgumentFacts): string[] {
  const { PBS_JOBNAME: name = '', PBS_QUEUE: queue = '' } = variables;
  const { owner, id } = context;
  return [id, owner.name, owner.groups[0]?.name ?? '', name, job.resources, queue, job.account, script];
}

/** Those of an epilogue, as Torque has them: eleven. The fifth, a session, means nothing outside of the guest and is 0. Pure. */
export function epilogueArguments(facts: ArgumentFacts, { exitCode, ranMs }: ScriptEnd): string[] {
  const [id = '', user = '', group = '', name = '', resources = '', queue = '', account = '', script = ''] =
    prologueArguments(facts);
  const used = `walltime=${clock(ranMs)}`;
  return [id, user, group, name, '0', resources, used, queue, account, String(exitCode), script];
}

/** `01:02:03`. */
function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
