import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alteredBy } from './alter.ts';
import { virtualNodes } from './nodes.ts';
import type { Alteration } from './protocol.ts';
import { defaultSettings } from './settings.ts';
import { aJob } from './test-builders.ts';

const site = { ...defaultSettings, server: 'tqhead', nodes: virtualNodes(2, 4), memory: 2 ** 33 };
const alter = (change: Alteration, job = aJob(), manager = false) =>
  alteredBy(job, change, { site, caller: { manager }, now: 7 });

test('alteredBy() changes what is named, resource by resource, and remembers it apart from the submission', () => {
  const { submission, altered } = alter({ name: 'new', resources: [['walltime', '33']] });
  assert.equal(submission?.name, 'new');
  assert.deepEqual(altered?.resources, [
    ['walltime', '00:00:33'],
    ['nodes', '1'],
    ['nodect', '1'],
  ]);
  assert.equal(submission?.workDir, '/home/tqa/w');
  const [, , nodect] = alter({ resources: [['nodes', '2:ppn=4']] }).submission?.resources ?? [];
  assert.deepEqual(nodect, ['nodect', '2']);
});

test('alteredBy() refuses what could never start', () => {
  assert.throws(() => alter({ resources: [['nodes', '3']] }), { code: 15038 });
  assert.throws(() => alter({ resources: [['foo', '3']] }), { code: 15037 });
  assert.throws(() => alter({ name: 'a\x1b[2J' }), { code: 15016 });
});

test('alteredBy() leaves a running job alone, but for its time limit in the hands of a manager', () => {
  const running = aJob({ state: 'R' });
  assert.throws(() => alter({ name: 'x' }, running, true), { code: 15017 });
  assert.throws(() => alter({ resources: [['nodes', '2']] }, running, true), { code: 15017 });
  assert.throws(() => alter({ resources: [['walltime', '5']] }, running), { code: 15007 });
  const { altered } = alter({ resources: [['walltime', '5']] }, running, true);
  assert.deepEqual(altered?.resources?.[0], ['walltime', '00:00:05']);
});

test('alteredBy() sets the holds, of which a user has no say over those of others', () => {
  assert.equal(alter({ holds: 'u' }).state, 'H');
  assert.deepEqual(alter({ holds: '' }, aJob({ state: 'H', holds: 'u' })), { holds: '', state: 'Q', etime: 7 });
  assert.equal(alter({ holds: '' }, aJob({ state: 'H', holds: 'uo' })).holds, 'o');
  assert.equal(alter({ holds: '' }, aJob({ state: 'H', holds: 'uo' }), true).holds, '');
});

test('alteredBy() changes the slot limit of an array, and only there', () => {
  const array = aJob({ element: 'all', indexes: [1, 2] });
  assert.equal(alter({ slotLimit: 1 }, array).slotLimit, 1);
  assert.equal(alter({ slotLimit: 0 }, array).slotLimit, undefined);
  assert.throws(() => alter({ slotLimit: 1 }), { code: 15004 });
});
