import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TimelineEntry } from '../job/timeline.ts';
import { jobsText } from './jobs.ts';

const aborted = (job: string, ...told: readonly NodeJS.Signals[]) => ({
  ...record(job, ['start'], ['script']),
  abandoned: true as const,
  entries: [
    ...record(job, ['start'], ['script']).entries,
    ...told.map((signal) => ({ at: 9, job, event: 'fact' as const, value: `told to end by ${signal}`, signal })),
  ],
});

const record = (job: string, ...events: (readonly [TimelineEntry['event'], (string | number)?])[]) => ({
  job,
  entries: events.map(([event, value], at) => ({ at, job, event, ...(value === undefined ? {} : { value }) })),
});

test('vtorque jobs does not take a job for running whose launcher has gone without a word, nor guess how it ended', () => {
  const records = [
    aborted('3.head', 'SIGTERM'),
    aborted('2.head'),
    record('1.head', ['start'], ['plan'], ['end', 'ended by SIGTERM']),
  ];
  const { jobs } = JSON.parse(jobsText(records, true));
  assert.deepEqual(
    jobs.map(({ step, state }: { step: string; state: string }) => [step, state]),
    [
      ['script', 'ended after SIGTERM'],
      ['script', 'ended, not known how'],
      ['end', 'ended by SIGTERM'],
    ],
  );
  assert.match(jobsText(records, undefined), /^2\.head .* ended, not known how$/m);
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

test('vtorque jobs tells of a VM that booted, on whichever node, rather than of those that started warm', () => {
  const [warm, cold] = ['warm start: template 1 of today', 'n2: cold boot: QEMU ended by SIGKILL'];
  const vmsOf = (...facts: string[]) => {
    const text = jobsText([record('1.head', ['start'], ...facts.map((fact) => ['fact', fact] as const))], true);
    return JSON.parse(text).jobs.map(({ vm }: { vm: string | null }) => vm);
  };
  assert.deepEqual(vmsOf(warm, cold, warm), [cold]);
  assert.deepEqual(vmsOf(`n2: ${warm}`, warm), [`n2: ${warm}`]);
  assert.deepEqual(vmsOf('cold boots are rare'), [null]);
});
