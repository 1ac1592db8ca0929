import { constants as osConstants } from 'node:os';
import type { Env } from '../../base/index.ts';
import { request } from '../../engine/embedded/client.ts';
import type { TaskReply } from '../../engine/embedded/protocol.ts';
import { spawnTask, type Task, tasksOf } from '../../engine/embedded/task.ts';
import type { Started } from '../../process/index.ts';
import { CommandError, type CommandResult, notAvailable } from './command.ts';

const USAGE = 'usage: pbsdsh [-c copies | -n node | -h host | -u] [-v] program [args]';

interface Wanted {
  readonly unique: boolean;
  readonly host?: string | undefined;
  readonly slot?: number | undefined;
  readonly copies?: number | undefined;
}

/** `pbsdsh`: run a program once per slot of the job (-u: per host), with the job's environment, not the script's. */
export async function pbsdsh(args: readonly string[], env: Env): Promise<CommandResult> {
  const { wanted, verbose, command } = readArgs(args);
  const id = env.PBS_JOBID;
  if (!id) throw new CommandError('pbsdsh: PBS_JOBID is not set: not in a batch job', 1);
  const job = await request<TaskReply>(env, { op: 'task', id });
  const tasks = chooseTasks(job.hosts, wanted);
  const said: string[] = [];
  const children = new Set<Started>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      for (const child of children) child.signal(signal);
    });
  }
  const ends = await Promise.all(tasks.map((task, index) => runTask(task, index, job, command, children)));
  for (const [index, status] of ends.entries()) {
    if (verbose) said.push(`pbsdsh(): spawned task ${index} on ${tasks[index]?.host}`);
    if (status !== 0 || verbose) said.push(`pbsdsh(): task ${index} exit status ${status}`);
  }
  // As in Torque: what the tasks return does not count.
  return { stderr: said.map((line) => `${line}\n`).join(''), exitCode: 0 };
}

/** Options stand before the program only: what follows it is its own. */
function readArgs(args: readonly string[]): {
  wanted: Wanted;
  verbose: boolean;
  command: readonly [string, ...string[]];
} {
  const usage = (reason: string): CommandError => new CommandError(`pbsdsh: ${reason}\n${USAGE}`, 2);
  let wanted: Wanted = { unique: false };
  let verbose = false;
  let at = 0;
  for (; args[at]?.startsWith('-'); at++) {
    const word = args[at] ?? '';
    if (word === '--') {
      at++;
      break;
    }
    for (const letter of word.slice(1)) {
      if (letter === 'u') wanted = { ...wanted, unique: true };
      else if (letter === 'v') verbose = true;
      else if (letter === 'h') wanted = { ...wanted, host: args[++at] };
      else if (letter === 'n' || letter === 'c') {
        const value = args[++at] ?? '';
        if (!/^\d+$/.test(value)) throw usage(`illegal -${letter} value`);
        wanted = { ...wanted, [letter === 'n' ? 'slot' : 'copies']: Number(value) };
      } else if (letter === 'o' || letter === 's' || letter === 'e' || letter === 'E') {
        throw notAvailable('pbsdsh', `-${letter}`);
      } else throw usage(`invalid option -- '${letter}'`);
    }
  }
  const [program, ...words] = args.slice(at);
  if (program === undefined) throw usage('no program given');
  return { wanted, verbose, command: [program, ...words] };
}

/** Which tasks are meant. Pure. */
export function chooseTasks(hosts: TaskReply['hosts'], wanted: Wanted): Task[] {
  const slots = tasksOf(hosts);
  if (wanted.host !== undefined) {
    const first = slots.find(({ host }) => host === wanted.host);
    if (first === undefined) throw new CommandError(`pbsdsh: host ${wanted.host} is not in the job`, 1);
    return [first];
  }
  if (wanted.slot !== undefined) {
    const one = slots[wanted.slot];
    if (one === undefined) throw new CommandError(`pbsdsh: only ${slots.length} nodes in the job`, 1);
    return [one];
  }
  const chosen = wanted.unique ? slots.filter((slot, i) => slots[i - 1]?.hostIndex !== slot.hostIndex) : slots;
  if (wanted.copies === undefined) return chosen;
  return Array.from({ length: wanted.copies }, (_, i) => chosen[i % chosen.length]).filter(
    (task) => task !== undefined,
  );
}

async function runTask(
  task: Task,
  index: number,
  job: TaskReply,
  command: readonly [string, ...string[]],
  children: Set<Started>,
): Promise<number> {
  // The script is task 1.
  const child = spawnTask(job, task, index + 2, command);
  children.add(child);
  const status = child.ended.then(
    ({ code, signal }) => code ?? 256 + (signal === null ? 0 : osConstants.signals[signal]),
    () => 254,
  );
  return status.finally(() => children.delete(child));
}
