import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from './job.ts';
import { aJob } from './test-builders.ts';
import { roomOf, roomOfElements, UserRoom } from './user-room.ts';

const MiB = 1024 ** 2;
const user = { uid: 1000, manager: false };
const other = { uid: 1001, manager: false };
const refused = { code: 15038, message: /^Job exceeds queue resource limits MSG=this takes 1024kb, and / };

test('a user has as much room as the limit says for the scripts of his jobs that are not complete', () => {
  const jobs: Job[] = [];
  const room = new UserRoom(2 * MiB, () => jobs);
  const job = aJob({ scriptBytes: 1.5 * MiB });
  jobs.push(job);
  assert.throws(() => room.reserve(user, MiB), refused);
  room.reserve(other, MiB);
  job.state = 'C';
  room.reserve(user, MiB);
});

test('what arrives at the same time counts, and what was refused then does not', () => {
  const room = new UserRoom(1.5 * MiB, () => []);
  const arriving = room.reserve(user, MiB);
  assert.throws(() => room.reserve(user, MiB), refused);
  arriving[Symbol.dispose]();
  arriving[Symbol.dispose]();
  const again = room.reserve(user, MiB);
  assert.throws(() => room.reserve(user, MiB), refused);
  again[Symbol.dispose]();
});

test('variables count once for an array, and again for each element that qalter has given its own', () => {
  const variables = [['A', 'x'.repeat(MiB)]] as const;
  const elements = [1, 2].map((element) => aJob({ sequence: 7, element }, { variables }));
  const jobs = [aJob({ sequence: 7, element: 'all', indexes: [1, 2] }, { variables }), ...elements];
  const room = new UserRoom(2.5 * MiB, () => jobs);
  room.reserve(user, MiB)[Symbol.dispose]();
  for (const element of elements) element.altered = { variables };
  assert.throws(() => room.reserve(user, MiB), refused);
});

test('many small jobs, and arrays of many elements, have an end, too', () => {
  const jobs = Array.from({ length: 1000 }, (_, sequence) => aJob({ sequence }));
  assert.throws(() => new UserRoom(2 * MiB, () => jobs).reserve(user, MiB), refused);
  assert.ok(roomOfElements(10_000) > 5 * MiB);
  assert.ok(roomOf({ name: 'x'.repeat(100) }, MiB) > MiB + 100);
});

test('who runs the batch system has no limit: it is his disk', () => {
  const room = new UserRoom(0, () => []);
  room.reserve({ uid: 1000, manager: true }, MiB);
  assert.throws(() => room.reserve(user, MiB), { message: /and nothing is left of max_user_spool/ });
});
