import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TimelineEntry } from '../job/timeline.ts';
import { jobsText } from './jobs.ts';

const record = (job: string, ...events: (readonly [TimelineEntry['event'], (string | number)?])[]) => ({
  job,
  entries: events.map(([event, value], at) => ({ at, job, event, ...(value === undefined ? {} : { value }) })),
});

test('vtorque jobs says what became of each job: its exit code, that it failed, or how far it is', () => {
  const records = [
    record('3.head', ['start'], ['plan']),
    record('2.head', ['start'], ['plan'], ['end', 'failed']),
    record('1.head', ['start'], ['script'], ['end', 7]),
  ];
  const states = jobsText(records, undefined).split('\n').slice(1, -1);
  assert.deepEqual(
    states.map((line) => line.split(/ {2,}/)[2]),
    ['plan', 'failed', 'exit 7'],
  );
  const { jobs } = JSON.parse(jobsText(records, true));
  assert.deepEqual(
    jobs.map(({ step, exitCode }: { step: string; exitCode: number | null }) => [step, exitCode]),
    [
      ['plan', null],
      ['end', null],
      ['end', 7],
    ],
  );
});
