import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { UserChannel } from './channel.ts';
import { JobReader, lineToJob, type ToJob } from './lines.ts';

const token = 'ab12';

function aChannel() {
  const [input, output] = [new PassThrough(), new PassThrough()];
  return { input, output, channel: new UserChannel(token, input, output) };
}

test('the last size that was told before the shell runs is the size it starts with', async () => {
  const { input, channel } = aChannel();
  input.write(lineToJob({ kind: 'size', columns: 100, rows: 30 }));
  input.write(lineToJob({ kind: 'size', columns: 132, rows: 50 }));
  const typed = lineToJob({ kind: 'input', bytes: Buffer.from('ls') });
  const taken = await new Promise<ToJob[]>((resolve) => {
    input.once('end', () => {
      const messages: ToJob[] = [];
      channel.deliverTo((message) => messages.push(message));
      resolve(messages);
    });
    input.end(typed);
  });
  assert.deepEqual([channel.size.columns, channel.size.rows], [132, 50]);
  assert.deepEqual(taken.at(-1), { kind: 'input', bytes: Buffer.from('ls') });
});

test('text has the line ends of a raw terminal once the shell runs', () => {
  const { output, channel } = aChannel();
  channel.print('a\nb\n');
  channel.say({ kind: 'begin' });
  channel.print('c\n');
  const read = [...new JobReader(token).read(output.read())];
  assert.deepEqual(
    read.map((message) => ('bytes' in message ? message.bytes.toString() : message.kind)),
    ['a\nb\n', 'begin', 'c\r\n'],
  );
});

test('the end of the terminal is told', async () => {
  const { input, channel } = aChannel();
  input.destroy();
  await new Promise((resolve) => channel.hungUp.addEventListener('abort', resolve, { once: true }));
  assert.ok(channel.hungUp.aborted);
});

test('who waits for a slow terminal leaves nothing behind, and waits no longer than it is there', async () => {
  const { input, output, channel } = aChannel();
  const fill = (): Promise<void> => {
    while (channel.say({ kind: 'output', bytes: Buffer.alloc(4096) }));
    return channel.drained();
  };
  for (let i = 0; i < 3; i++) {
    const drained = fill();
    output.read();
    await drained;
  }
  assert.deepEqual(getEventListeners(channel.hungUp, 'abort'), []);
  const drained = fill();
  input.destroy();
  await once(input, 'close');
  await drained;
});
