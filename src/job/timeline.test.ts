import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { followTimeline } from './follow.ts';
import { withState } from './test-state.ts';
import { hookLogsPath, Timeline, timelinePath } from './timeline.ts';

test('followTimeline() tells what is written before and after it began, and ends with the job', () =>
  withState(async (state) => {
    const timeline = new Timeline(state, '7[1].head');
    timeline.record('start');
    await timeline.flush();
    const seen: string[] = [];
    for await (const { event } of followTimeline(state, '7[1].head', AbortSignal.timeout(10_000))) {
      seen.push(event);
      if (event === 'start') timeline.record('script');
      if (event === 'script') timeline.record('end', 3);
    }
    assert.deepEqual(seen, ['start', 'script', 'end']);
  }));

test('followTimeline() ends when it is told to', () =>
  withState(async (state) => {
    const stop = new AbortController();
    const entries = followTimeline(state, '8.head', stop.signal);
    const first = entries.next();
    stop.abort();
    assert.equal((await first).done, true);
  }));

test('Timeline records the exit code', () =>
  withState(async (state) => {
    const timeline = new Timeline(state, '9.head');
    timeline.record('end', 42);
    assert.equal(await timeline.flush(), undefined);
    const entry = JSON.parse(await readFile(timelinePath(state, '9.head'), 'utf8'));
    assert.deepEqual([entry.job, entry.event, entry.value], ['9.head', 'end', 42]);
  }));

test('Timeline records a job although old records vanish while it removes them', () =>
  withState(async (state) => {
    await mkdir(join(state, 'jobs'));
    for (let i = 0; i < 201; i++) await symlink('gone', timelinePath(state, `${i}.head`));
    const timeline = new Timeline(state, '999.head');
    timeline.record('end', 0);
    assert.equal(await timeline.flush(), undefined);
    assert.match(await readFile(timelinePath(state, '999.head'), 'utf8'), /"end"/);
  }));

test('Timeline removes what the hooks of old jobs have printed with their records, and counts records only', () =>
  withState(async (state) => {
    for (let i = 0; i < 150; i++) {
      await mkdir(hookLogsPath(state, `${i}.head`), { recursive: true });
      await writeFile(timelinePath(state, `${i}.head`), '');
    }
    await new Timeline(state, '998.head').flush();
    assert.equal((await readdir(join(state, 'jobs'))).length, 300);
    for (let i = 150; i < 201; i++) await writeFile(timelinePath(state, `${i}.head`), '');
    await utimes(timelinePath(state, '7.head'), 1, 1);
    await new Timeline(state, '999.head').flush();
    const left = await readdir(join(state, 'jobs'));
    assert.deepEqual([left.includes('7.head.jsonl'), left.includes('7.head.hooks'), left.length], [false, false, 349]);
  }));

test('Timeline does not fail the job when its directory cannot be made', async () => {
  const timeline = new Timeline('/dev/null', '9.head');
  timeline.record('start');
  assert.ok((await timeline.flush()) instanceof Error);
});

test('timelinePath() refuses what is no job id', () => {
  assert.throws(() => timelinePath('/s', '../../etc/passwd'), { code: 'E_JOB_ID' });
});
