import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Counter } from './counters.ts';
import { metricsText } from './metrics.ts';

const last = Date.parse('2026-11-20T10:00:00.9Z');
const counters: readonly Counter[] = [
  { event: ['start', 'warm'], value: 212, last },
  { event: ['start', 'cold', 'warm=off'], value: 2, last: last + 60_000 },
  { event: ['start', 'fallback', 'E_QMP'], value: 3, last: last - 60_000 },
  { event: ['start', 'fallback', 'failed-before'], value: 1, last },
  { event: ['template', 'made'], value: 4, last },
  { event: ['template', 'given-up', 'E_QMP'], value: 1, last },
];

const samplesOf = (text: string): string[] => text.split('\n').filter((line) => !line.startsWith('#') && line !== '');

test('each counter is a sample with the same labels as the others of its metric', () => {
  assert.deepEqual(samplesOf(metricsText(counters, 'ann')), [
    'vtorque_vm_starts_total{user="ann",how="warm",reason=""} 212',
    'vtorque_vm_starts_total{user="ann",how="cold",reason="warm=off"} 2',
    'vtorque_vm_starts_total{user="ann",how="fallback",reason="E_QMP"} 3',
    'vtorque_vm_starts_total{user="ann",how="fallback",reason="failed-before"} 1',
    `vtorque_vm_last_fallback_timestamp_seconds{user="ann"} ${Date.parse('2026-11-20T10:00:00Z') / 1000}`,
    'vtorque_templates_made_total{user="ann"} 4',
    'vtorque_templates_given_up_total{user="ann",reason="E_QMP"} 1',
  ]);
});

test('where nothing was counted yet, what has no reason is 0', () => {
  assert.deepEqual(samplesOf(metricsText([], 'ann')), [
    'vtorque_vm_last_fallback_timestamp_seconds{user="ann"} 0',
    'vtorque_templates_made_total{user="ann"} 0',
  ]);
});

test('every metric has its help and its type before it, and the text ends with a line end', () => {
  const text = metricsText(counters, 'ann');
  assert.ok(text.endsWith('\n') && !text.includes('\n\n'));
  const lines = text.trimEnd().split('\n');
  for (const [i, line] of lines.entries()) {
    const [, name = ''] = /^# HELP (\w+) \S/.exec(line) ?? [];
    if (name === '') continue;
    const type = name.endsWith('_total') ? 'counter' : 'gauge';
    assert.equal(lines[i + 1], `# TYPE ${name} ${type}`);
    assert.ok(lines[i + 2]?.startsWith(`${name}{`));
  }
});

test('a name with quotes and backslashes is one value', () => {
  assert.match(metricsText([], 'a"b\\c'), /_made_total\{user="a\\"b\\\\c"\} 0/);
});
