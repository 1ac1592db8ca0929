import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keepGuest } from '../keep.ts';
import { withState } from '../test-state.ts';
import { Timeline } from '../timeline.ts';
import { findConsole } from './find.ts';
import { greetingLine, readGreeting } from './greeting.ts';

const find = (state: string, wanted: string) => findConsole(state, wanted, 'open a console of');
const place = { host: 'node7', socket: 'vtorque-console-1234' };

test('findConsole() finds the console of the latest run, by the whole id or what stands before the dot', () =>
  withState(async (state) => {
    const timeline = new Timeline(state, '7[1].head');
    timeline.record('start');
    timeline.recordConsole({ ...place, socket: 'of-the-first-run' });
    timeline.record('end', 0);
    timeline.record('start');
    await timeline.flush();
    await assert.rejects(find(state, '7[1].head'), { code: 'E_CONSOLE_NOT_YET' });
    timeline.recordConsole(place);
    await timeline.flush();
    for (const wanted of ['7[1].head', '7[1]', '7[1]/0', '7[1].head/0']) {
      assert.deepEqual(await find(state, wanted), { job: '7[1].head', place, rank: 0 });
    }
    await assert.rejects(find(state, '7[1]/1'), { code: 'E_RANK_UNKNOWN' });
    timeline.record('end', 'failed');
    await timeline.flush();
    await assert.rejects(find(state, '7[1]'), { code: 'E_JOB_ENDED', hint: /keep=MINUTES/ });
  }));

test('findConsole() refuses what is no job, one that it does not know, and one of several', () =>
  withState(async (state) => {
    await assert.rejects(find(state, '../x'), { code: 'E_JOB_ID' });
    await assert.rejects(find(state, '8'), { code: 'E_JOB_UNKNOWN' });
    for (const id of ['8.a', '8.b']) {
      const timeline = new Timeline(state, id);
      timeline.record('start');
      await timeline.flush();
    }
    await assert.rejects(find(state, '8'), { code: 'E_JOB_UNKNOWN', hint: /8\.a, 8\.b/ });
  }));

test('readGreeting() waits for its whole line, keeps what comes behind it, and takes nothing else', () => {
  const greeting = { version: 1, terminalType: 'vt100', wish: 'shell', rank: 3 } as const;
  const line = Buffer.from(greetingLine(greeting));
  for (let end = 0; end < line.length; end++) assert.equal(readGreeting(line.subarray(0, end)), undefined);
  const rest = Buffer.from('W 80 24\n');
  assert.deepEqual(readGreeting(Buffer.concat([line, rest])), { greeting, rest });
  for (const text of [
    '\n',
    'GET / HTTP/1.1\n',
    '{"version":2}\n',
    '{"version":1,"terminalType":"x"}\n',
    'x'.repeat(5000),
  ])
    assert.throws(() => readGreeting(Buffer.from(text)), text.slice(0, 20));
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.throws(() => readGreeting(Buffer.concat([bytes, Buffer.from('\n')])));
    }),
  );
});

test('keepGuest() ends when the owner has seen enough or the job is to end, and tells until when and how to get in', async () => {
  const said: string[] = [];
  const ending = new AbortController();
  const enough = Promise.withResolvers<void>();
  const options = {
    ...{ minutes: 10, ending: ending.signal, now: () => new Date(2026, 0, 2, 3, 4, 5).getTime() },
    say: (text: string) => void said.push(text),
    job: { id: '7.head', ended: 'ended with exit code 3' },
  };
  const first = keepGuest({ ...options, door: { place, keptEnough: () => enough.promise } });
  enough.resolve();
  await first;
  const second = keepGuest({ ...options, door: { place, keptEnough: () => new Promise(() => {}) } });
  ending.abort();
  await second;
  const third = { ...options, minutes: 0.001, ending: new AbortController().signal };
  await keepGuest({ ...third, door: { place, keptEnough: () => new Promise(() => {}) } });
  assert.equal(
    said[0],
    'the script ended with exit code 3; its VM is kept until 2026-01-02 03:14:05; get in on node7 with: vtorque console 7.head',
  );
  await keepGuest({ ...options, door: undefined });
  assert.match(said.at(-1) ?? '', /not kept: there is no way in$/);
});
