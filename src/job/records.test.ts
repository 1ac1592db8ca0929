import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { listJobRecords, readJobRecord, timelineRows } from './records.ts';
import { Timeline, timelinePath } from './timeline.ts';

async function aState(): Promise<AsyncDisposable & { readonly state: string }> {
  const state = await mkdtemp(join(tmpdir(), 'vtt-state-'));
  return { state, [Symbol.asyncDispose]: () => rm(state, { recursive: true }) };
}

async function record(state: string, job: string, at: number): Promise<void> {
  await new Timeline(state, job).flush();
  const lines = [
    { at, job, event: 'start' },
    { at: at + 5, job, event: 'plan' },
    { at: at + 8, job, event: 'fact', value: 'accelerator tcg' },
    { at: at + 20, job, event: 'script' },
    { at: at + 90, job, event: 'end', value: 3 },
  ];
  await writeFile(timelinePath(state, job), lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { flag: 'a' });
}

test('timelineRows() says when each step of the last run began and how long it took', async () => {
  await using site = await aState();
  await record(site.state, '1.head', 1000);
  await record(site.state, '1.head', 5000);
  const { entries } = await readJobRecord(site.state, '1');
  assert.deepEqual(timelineRows(entries), [
    { at: 0, took: 5, event: 'start' },
    { at: 5, took: 15, event: 'plan' },
    { at: 8, event: 'fact', value: 'accelerator tcg' },
    { at: 20, took: 70, event: 'script' },
    { at: 90, event: 'end', value: 3 },
  ]);
});

test('a line of a record that a full disk has cut hides neither the rest of the job nor other jobs', async () => {
  await using site = await aState();
  await record(site.state, '1.head', 1000);
  await writeFile(timelinePath(site.state, '1.head'), '{"at":2000,"jo', { flag: 'a' });
  await record(site.state, '1.head', 5000);
  await record(site.state, '2.head', 6000);
  assert.deepEqual(
    (await listJobRecords(site.state)).map(({ job, entries }) => [job, entries.length]),
    [
      ['2.head', 5],
      ['1.head', 5],
    ],
  );
});

test('listJobRecords() has the latest job first', async () => {
  await using site = await aState();
  await record(site.state, '1.head', 5000);
  await record(site.state, '2[1].head', 6000);
  assert.deepEqual(
    (await listJobRecords(site.state)).map(({ job }) => job),
    ['2[1].head', '1.head'],
  );
});

test('readJobRecord() refuses ids that are unknown or stand for several jobs, and what is no id', async () => {
  await using site = await aState();
  for (const job of ['1.a', '1.b']) await record(site.state, job, 1000);
  await assert.rejects(readJobRecord(site.state, '2'), { code: 'E_JOB_UNKNOWN', message: /no record/ });
  await assert.rejects(readJobRecord(site.state, '1'), { code: 'E_JOB_UNKNOWN', message: /several/ });
  await assert.rejects(readJobRecord(site.state, '../x'), { code: 'E_JOB_ID' });
  assert.deepEqual(await listJobRecords(join(site.state, 'none')), []);
  await writeFile(join(site.state, 'file'), '');
  await assert.rejects(listJobRecords(join(site.state, 'file')), { code: 'E_RECORDS', hint: /XDG_STATE_HOME/ });
});

test('a record without an end says whether its launcher has gone', async () => {
  await using site = await aState();
  const state = async (job: string) => (await readJobRecord(site.state, job)).abandoned;
  const begun = async (job: string, program: string): Promise<void> => {
    const timeline = `${import.meta.dirname}/timeline.ts`;
    const script = `const { Timeline } = await import(${JSON.stringify(timeline)});
      const record = new Timeline(${JSON.stringify(site.state)}, '${job}'); record.recordStart(); ${program}; await record.flush();`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  };
  await begun('1.head', "record.record('script')");
  assert.equal(await state('1'), true);
  await begun('2.head', "record.record('end', 'failed')");
  assert.equal(await state('2'), undefined);
  const here = new Timeline(site.state, '3.head');
  here.recordStart();
  await here.flush();
  assert.equal(await state('3'), undefined);
  // Of a version that did not say who it was.
  await writeFile(timelinePath(site.state, '4.head'), '{"at":1,"job":"4.head","event":"start"}\n');
  assert.equal(await state('4'), undefined);
});
