import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkLimits, queueFor } from './limits.ts';
import { defaultSettings, settingsFrom } from './settings.ts';

const wrong = (table: Parameters<typeof settingsFrom>[0], text: RegExp): void =>
  assert.throws(() => settingsFrom(table, 'config.toml'), { code: 'E_LOCAL_CONFIG', message: text });

test('settings that say nothing are the default ones', () => {
  assert.deepEqual(settingsFrom({}, 'config.toml'), defaultSettings);
});

test('settings name queues with their defaults and limits, values as qstat shows them', () => {
  const { queues, defaultQueue, prologAlarmS, maxUserSpool } = settingsFrom(
    {
      prologalarm: 30,
      max_user_spool: '2mb',
      queues: { short: { resources_max: { walltime: 600, nodect: 2 } }, closed: { enabled: false, started: false } },
    },
    'config.toml',
  );
  assert.equal(defaultQueue, 'short');
  assert.equal(prologAlarmS, 30);
  assert.equal(maxUserSpool, 2 * 1024 ** 2);
  assert.deepEqual(queues[0]?.max, [
    ['walltime', '00:10:00'],
    ['nodect', '2'],
  ]);
  assert.equal(queues[1]?.started, false);
});

test('settings that cannot be meant are refused with their key', () => {
  wrong({ queue: {} }, /queue: unknown key; there are default_queue/);
  wrong({ default_queue: 'nosuch' }, /default_queue: there is no queue "nosuch"/);
  wrong({ queues: {} }, /queues: there must be one/);
  wrong({ queues: { '1': {} } }, /queues\.1: a name has/);
  wrong({ queues: { a: { enabled: 1 } } }, /queues\.a\.enabled: must be true or false/);
  wrong({ queues: { a: { resources_max: { walltime: 'x' } } } }, /queues\.a\.resources_max\.walltime: "x" is no value/);
  wrong({ queues: { a: { resources_max: { cput: '1' } } } }, /resources_max\.cput: unknown key/);
  wrong({ max_user_spool: 'much' }, /max_user_spool: must be an amount of memory/);
  wrong({ prologalarm: 0 }, /prologalarm: must be a number of seconds/);
});

test('a queue is found by its name or as the default one, unless it takes no jobs', () => {
  const settings = settingsFrom({ queues: { batch: {}, closed: { enabled: false } } }, 'config.toml');
  assert.equal(queueFor('', settings).name, 'batch');
  assert.throws(() => queueFor('nosuch', settings), { code: 15020 });
  assert.throws(() => queueFor('closed', settings), { code: 15023 });
});

test('a job may ask for as much as its queue allows, and no more', () => {
  const { queues } = settingsFrom({ queues: { a: { resources_max: { walltime: 60, mem: '1gb', nodect: 2 } } } }, '');
  const check = (...resources: [string, string][]) => queues[0] && checkLimits(resources, queues[0]);
  check(['walltime', '00:01:00'], ['mem', '1024mb'], ['nodect', '2']);
  for (const over of [
    ['walltime', '00:01:01'],
    ['mem', '1025mb'],
    ['nodect', '3'],
  ] as [string, string][]) {
    assert.throws(() => check(over), { code: 15038 }, over[0]);
  }
});
