import { type Env, messageOf, VtorqueError } from '../../base/index.ts';
import { start, Tail } from '../../process/index.ts';
import type { Allocation, NodeTasks } from '../engine.ts';
import { nodeTasks, type TaskProcess } from '../node-tasks.ts';
import { HANDED_ON, handOn } from './handed-on.ts';

/**
 * The words that start a program in a task with what was handed on in its environment, which TM gives to tasks from the job's
 * alone. No word may be empty, which for TM is the end of all words, so each gets a character in front that is taken away again.
 * Nothing of them is read by the shell as its language. Pure.
 */
export function taskWords(allocation: Allocation, argv: readonly [string, ...string[]]): string[] {
  const unwrap = `export ${HANDED_ON}="$1"; shift; for word do shift; set -- "$@" "\${word#=}"; done; exec "$@"`;
  return ['/bin/sh', '-c', unwrap, 'sh', handOn(allocation), ...argv.map((word) => `=${word}`)];
}

/** Start all or none. */
export async function startAll(starting: readonly Promise<TaskProcess>[]): Promise<NodeTasks> {
  const outcomes = await Promise.allSettled(starting);
  const tasks = nodeTasks(outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure === undefined) return tasks;
  await tasks[Symbol.asyncDispose]();
  throw failure.reason;
}

/**
 * Run the batch system's command that starts a task and waits for its end.
 * @param whyFailed of its exit code and what it said; undefined when nothing has failed
 * @throws VtorqueError `E_NODE_START`
 */
export async function startTaskCommand(
  node: string | undefined,
  program: string,
  args: readonly string[],
  env: Env,
  whyFailed: (code: number, said: readonly string[]) => string | undefined,
): Promise<TaskProcess> {
  // Where we are killed, it sees the task to its end: the agent misses us.
  const child = start([program, ...args], { tie: 'free', env, stdio: ['ignore', 'ignore', 'pipe'] });
  await child.begun.catch((cause: unknown) => {
    throw new VtorqueError('E_NODE_START', `Cannot start "${program}": ${messageOf(cause)}`, {
      hint: 'Ask the admin whether the commands of the batch system can be run on all nodes',
      phase: 'plan',
      cause,
    });
  });
  const said = new Tail(child.pipe(2));
  const ended = child.closed.then(({ code, signal }) =>
    code === null ? `${program} was ended by ${signal}` : whyFailed(code, said.lines),
  );
  return { node, ended, signal: child.signal };
}
