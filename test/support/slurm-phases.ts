import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execute } from './cluster.ts';
import { until } from './embedded.ts';
import { type FoundProcess, processesOf } from './processes.ts';
import type { SlurmUser } from './slurm-user.ts';

const vm = ['-d', '.', '-vm', 'img=host,vcpus=1,ram=256M'];
/** A VM on one node, and one on each of two. */
export const one = [...vm, '-l', 'nodes=1:ppn=2'];
export const two = [...vm, '-l', 'nodes=2:ppn=2'];

export type Phase = 'the guest boots' | 'the script runs' | 'the guest is torn down';
export const phases: readonly Phase[] = ['the guest boots', 'the script runs', 'the guest is torn down'];

/** Which processes of a job are meant. */
export interface Victims {
  readonly program: RegExp;
  readonly isIt?: (args: readonly string[]) => boolean;
}

/** The launcher itself, not the agents of other nodes. */
export const launcher: Victims = { program: /^start launch$/, isIt: (args) => !args.includes('--node-agent') };

export interface JobInPhase {
  readonly id: string;
  readonly victims: readonly number[];
}

/** It ends when it is told to. What it leaves running does not want to end, so that the tear-down takes a while. */
const ending = (name: string): string => `#!/bin/bash
setsid bash -c 'trap "" TERM; touch /tmp/stubborn; while true; do sleep 1; done' </dev/null >/dev/null 2>&1 &
while [ ! -e /tmp/stubborn ]; do sleep 0.05; done
echo up >${name}.up
while [ ! -e ${name}.end ]; do sleep 0.05; done
exit 0
`;

/** Tell a script to go on that waits for `NAME.end`. */
export async function tellToEnd(as: SlurmUser, name: string): Promise<void> {
  await execute([...as.user.become, 'touch', join(as.work, `${name}.end`)], {});
}

/** Wait until a step is in the job's record. */
async function reaches(as: SlurmUser, id: string, step: string): Promise<void> {
  const record = join(as.user.home, `.local/state/vtorque/jobs/${id}.jsonl`);
  const there = async (): Promise<boolean> => (await readFile(record, 'utf8').catch(() => '')).includes(`"${step}"`);
  await until(there, `job ${id} is at "${step}"`);
}

/**
 * Bring a job into a phase of its life, and find processes of it.
 * @param script what it runs, for a job that is not to run for ever; its phase is reached when it has written `NAME.up`
 */
export async function jobIn(
  as: SlurmUser,
  phase: Phase,
  name: string,
  args: readonly string[],
  { program, isIt }: Victims,
  script?: string,
): Promise<JobInPhase> {
  const pids = async (): Promise<number[]> =>
    (await processesOf(as.user, program, isIt)).map(({ pid }: FoundProcess) => pid);
  if (phase === 'the guest boots') {
    // A clone that ends would be followed by a guest that boots.
    const id = await as.submit([...args, '-vm', 'warm=off'], script ?? '#!/bin/sh\nsleep 600\n', name);
    await processesOf(as.user, /^qemu-system/);
    return { id, victims: await pids() };
  }
  if (phase === 'the script runs') {
    const id = await as.submit(args, script ?? `#!/bin/sh\necho up >${name}.up\nsleep 600\n`, name);
    await as.appears(`${name}.up`);
    return { id, victims: await pids() };
  }
  const id = await as.submit(args, ending(name), name);
  await as.appears(`${name}.up`);
  const victims = await pids();
  await tellToEnd(as, name);
  await reaches(as, id, 'tear-down');
  return { id, victims };
}

/** Half a second is a moment that a busy machine may miss; then there is another job. */
const attempts = 5;

/** Kill processes of a job in a phase of its life. `error` is its file of errors. */
export async function killedIn(
  as: SlurmUser,
  phase: Phase,
  name: string,
  args: readonly string[],
  victims: Victims,
): Promise<{ readonly id: string; readonly error: string }> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const begun = await jobIn(as, phase, `${name}${attempt}`, args, victims);
    try {
      for (const pid of begun.victims) process.kill(pid, 'SIGKILL');
      return { id: begun.id, error: `${name}${attempt}.e${begun.id}` };
    } catch {
      // Too late: it had ended.
      await as.ended(begun.id);
    }
  }
  assert.fail('the phase was over each time before anything could be killed');
}
