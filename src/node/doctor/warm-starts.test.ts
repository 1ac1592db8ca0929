import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Counter, Event } from '../../telemetry/index.ts';
import { findingOf } from './warm-starts.ts';

const since = Date.parse('2026-11-20T08:00:00Z');
const day = 24 * 3_600_000;
const counter = (value: number, event: Event, last = since): Counter => ({ event, value, last });

test('how VMs have started is told with the reasons of those that booted, the most frequent one first', () => {
  const counters = [
    counter(1, ['start', 'cold', 'site']),
    counter(212, ['start', 'warm']),
    counter(2, ['start', 'cold', 'warm=off']),
    counter(9, ['template', 'made']),
  ];
  assert.deepEqual(findingOf({ counters, since }, since + day), {
    severity: 'ok',
    text: '212 warm, 3 cold (2 warm=off, 1 site), since 2026-11-20',
  });
});

test('a fall-back is warned of while it is not long ago, and told for ever', () => {
  const counters = [counter(1, ['start', 'warm']), counter(3, ['start', 'fallback', 'E_QMP'], since + day)];
  const text = '1 warm, 3 fall-backs (3 E_QMP), since 2026-11-20';
  const soon = findingOf({ counters, since }, since + 2 * day);
  assert.deepEqual([soon.severity, soon.text], ['warning', `${text}; the last fall-back on 2026-11-21`]);
  assert.match(soon.remedy ?? '', /vtorque jobs/);
  assert.deepEqual(findingOf({ counters, since }, since + 30 * day), { severity: 'ok', text });
});

test('where no VM has started yet, that is said', () => {
  const { severity, text } = findingOf({ counters: [], since: undefined }, since);
  assert.deepEqual([severity, text], ['ok', 'no VM of yours has started on this machine yet']);
});
