import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { VtorqueError } from '../../base/index.ts';
import { start } from '../../process/index.ts';
import type { NodeTasks } from '../engine.ts';
import { nodeTasks } from '../node-tasks.ts';
import { expandHostList } from './host-list.ts';

type Failure = Awaited<NodeTasks['failed']>;

/**
 * Run srun with a task on each of some nodes. What the tasks write goes where this process's output goes.
 * @throws VtorqueError `E_NODE_START`
 */
export async function startStep(args: readonly string[], env: Readonly<Record<string, string>>): Promise<NodeTasks> {
  // Where we are killed, it sees its tasks to their end: the agents miss us.
  const child = start(['srun', ...args], { tie: 'free', env, stdio: ['ignore', 'inherit', 'pipe'] });
  await child.begun.catch((cause: unknown) => {
    throw new VtorqueError('E_NODE_START', 'Cannot start a program on the nodes of the job: there is no srun here', {
      hint: "Slurm's commands must be on PATH on the nodes, too",
      phase: 'plan',
      cause,
    });
  });
  const said: string[] = [];
  const told = firstFailure(child.pipe(2), said);
  const ended = child.closed.then(({ code, signal }) => {
    if (code === 0) return undefined;
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    return [`srun ${how}`, ...said.slice(-1)].join(': ');
  });
  const tasks = nodeTasks([{ node: undefined, ended, signal: child.signal }]);
  return {
    failed: Promise.race([told, tasks.failed]),
    [Symbol.asyncDispose]: () => tasks[Symbol.asyncDispose](),
  };
}

/** srun ends when all tasks have ended, but says at once when one has failed. What tasks say themselves goes on to the job's output; that
 * their step is cancelled, at the end of each job, does not. */
function firstFailure(stderr: Readable, said: string[]): Promise<Failure> {
  return new Promise((resolve) => {
    createInterface({ input: stderr }).on('line', (line) => {
      const ours = /^(?:srun|slurmstepd-[\w.-]+): (?:error: )?(.*)$/.exec(line)?.[1];
      if (ours === undefined) {
        process.stderr.write(`${line}\n`);
        return;
      }
      said.push(ours);
      const failure = readFailure(ours);
      if (failure !== undefined) resolve(failure);
    });
  });
}

/** Of what srun says after its name: the first node, and what has come of the task there. Pure. */
export function readFailure(words: string): Failure | undefined {
  const [, nodes, why] = /^(\S+): tasks? [\d,-]+: (.+)$/.exec(words) ?? [];
  if (nodes !== undefined && why !== undefined) return { node: expandHostList(nodes)[0], why };
  const [, lost] = /^Node failure on (\S+)$/.exec(words) ?? [];
  return lost === undefined ? undefined : { node: expandHostList(lost)[0], why: 'the node is down' };
}
