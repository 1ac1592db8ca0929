import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fateOf, formatDepend, isWaiting, parseDepend, withDependency, withoutDependency } from './depend.ts';
import { aJob } from './test-builders.ts';

const done = (exitStatus: number) => aJob({ state: 'C', attempt: 1, exitStatus });
const [queued, running, deleted] = [aJob(), aJob({ state: 'R', attempt: 1 }), aJob({ state: 'C', exitStatus: 271 })];

test('parseDepend() completes ids, and formatDepend() shows them as Torque does', () => {
  const list = parseDepend('afterok:687.tqhead:2,afterokarray:3[],on:2', 'tqhead') ?? [];
  assert.equal(formatDepend(list), 'afterok:687.tqhead:2.tqhead,afterokarray:3[].tqhead,on:2');
  for (const bad of [
    '',
    'afterok',
    'afterok:',
    'afterok:x',
    'sometime:1',
    'on:0',
    'on:x',
    'afterok:1,',
    'toString:1',
  ]) {
    assert.equal(parseDepend(bad, 'tqhead'), undefined, bad);
  }
});

test('parseDepend() reads what formatDepend() writes', () => {
  const type = fc.constantFrom('after', 'afterok', 'afternotok', 'afterany', 'beforeok');
  const ids = fc.uniqueArray(
    fc.nat().map((n) => `${n}.tqhead`),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(fc.array(fc.record({ type, ids }, { noNullPrototype: true }), { minLength: 1 }), (list) => {
      assert.deepEqual(parseDepend(formatDepend(list), 'tqhead'), list);
    }),
  );
});

test('fateOf() knows what can still happen, what has and what never will', () => {
  const fates = (type: string) => [queued, running, done(0), done(3), deleted].map((job) => fateOf(type, [job]));
  assert.deepEqual(fates('after'), ['open', 'met', 'met', 'met', 'never']);
  assert.deepEqual(fates('afterok'), ['open', 'open', 'met', 'never', 'never']);
  assert.deepEqual(fates('afternotok'), ['open', 'open', 'never', 'met', 'met']);
  assert.deepEqual(fates('afterany'), ['open', 'open', 'met', 'met', 'met']);
});

test('fateOf() asks all elements of an array', () => {
  assert.equal(fateOf('afterokarray', [done(0), running]), 'open');
  assert.equal(fateOf('afterokarray', [done(0), done(0)]), 'met');
  assert.equal(fateOf('afterokarray', [done(1), running]), 'never');
  assert.equal(fateOf('afterstartarray', [running, done(0)]), 'met');
  assert.equal(fateOf('afteranyarray', [done(1), queued]), 'open');
});

test('a dependency that is met goes from the list, and the job waits for the others', () => {
  const list = withDependency(withDependency([], 'afterok', '1.tqhead'), 'afterok', '2.tqhead');
  const one = withoutDependency(list, 'afterok', '1.tqhead');
  assert.equal(formatDepend(one), 'afterok:2.tqhead');
  assert.ok(isWaiting(one));
  assert.deepEqual(withoutDependency(one, 'afterok', '2.tqhead'), []);
  assert.ok(!isWaiting([{ type: 'beforeok', ids: ['1.tqhead'] }]));
});
