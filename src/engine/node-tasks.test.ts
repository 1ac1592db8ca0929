import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeTasks, type TaskProcess } from './node-tasks.ts';

function aProcess(node: string, endsBy: NodeJS.Signals = 'SIGTERM') {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const signals: string[] = [];
  const task: TaskProcess = {
    node,
    ended: promise,
    signal: (signal) => {
      signals.push(signal);
      if (signal === endsBy) resolve(`it was ended by ${signal}`);
    },
  };
  return { task, signals, end: resolve };
}

test('the first program that fails is told, one that just ends is not', async () => {
  const [a, b, c] = [aProcess('n1'), aProcess('n2'), aProcess('n3')];
  const tasks = nodeTasks([a.task, b.task, c.task]);
  a.end(undefined);
  c.end('no such file');
  b.end('later');
  assert.deepEqual(await tasks.failed, { node: 'n3', why: 'no such file' });
});

test('what still runs is ended, by KILL where TERM is not enough, and waited for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [over, willing, deaf] = [aProcess('n1'), aProcess('n2'), aProcess('n3', 'SIGKILL')];
  const tasks = nodeTasks([over.task, willing.task, deaf.task]);
  over.end(undefined);
  await over.task.ended;
  const disposed = tasks[Symbol.asyncDispose]();
  await willing.task.ended;
  t.mock.timers.tick(3000);
  await disposed;
  assert.deepEqual([over.signals, willing.signals], [[], ['SIGTERM']]);
  assert.deepEqual(deaf.signals, ['SIGTERM', 'SIGKILL']);
});
