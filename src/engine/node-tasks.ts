import type { NodeTasks } from './engine.ts';

/** What stands for the program on one node, or on all: the program itself, or the batch system's command that has started it. */
export interface TaskProcess {
  /** Undefined when it stands for several. */
  readonly node: string | undefined;
  /** Resolves when it is over: with words for a person when it could not be started, or has failed. Never rejects. */
  readonly ended: Promise<string | undefined>;
  signal(signal: NodeJS.Signals): void;
}

/** How long a program may take to end after TERM. */
const GRACE_MS = 3000;

/** Programs on several nodes as one thing: the first that fails is told, all end together. */
export function nodeTasks(processes: readonly TaskProcess[]): NodeTasks {
  const { promise: failed, resolve } = Promise.withResolvers<Awaited<NodeTasks['failed']>>();
  const all = processes.map(async ({ node, ended }) => {
    const why = await ended;
    if (why !== undefined) resolve({ node, why });
  });
  const running = new Set(processes);
  for (const each of processes) void each.ended.then(() => running.delete(each));
  return {
    failed,
    async [Symbol.asyncDispose]() {
      for (const each of running) each.signal('SIGTERM');
      const deadline = setTimeout(() => {
        for (const each of running) each.signal('SIGKILL');
      }, GRACE_MS);
      await Promise.all(all);
      clearTimeout(deadline);
    },
  };
}
