import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inside, planShares } from './plan.ts';

const at = (path: string, real = path) => ({ path, real });

test('planShares() shares a directory once, also when several names lead to it', () => {
  assert.deepEqual(planShares([at('/home/u'), at('/home/u'), at('/link', '/home/u')]), [
    { source: '/home/u', targets: ['/home/u', '/link'] },
  ]);
});

test('planShares() leaves out what lies inside another share', () => {
  assert.deepEqual(planShares([at('/home/u/work/deep'), at('/home/u')]), [{ source: '/home/u', targets: ['/home/u'] }]);
});

test('planShares() keeps the other name of a directory that lies inside a share', () => {
  assert.deepEqual(planShares([at('/home/u'), at('/data/proj', '/home/u/proj')]), [
    { source: '/home/u', targets: ['/home/u'], aliases: [at('/data/proj', '/home/u/proj')] },
  ]);
});

test("planShares() never hides the guest's own system", () => {
  for (const path of ['/', '/usr/local/lib', '/etc', '/var', '/home', '/proc/self']) {
    assert.deepEqual(planShares([at(path)]), [], path);
  }
});

test('planShares() shares directories below /tmp, /var and /home', () => {
  const paths = ['/home/u', '/tmp/x', '/var/scratch/u', '/var/tmp'];
  assert.deepEqual(
    planShares(paths.map((path) => at(path))).map(({ source }) => source),
    paths,
  );
});

test('planShares() covers every wanted directory and no share lies in another', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', 'data'), { minLength: 1, maxLength: 4 })
    .map((p) => `/${p.join('/')}`);
  fc.assert(
    fc.property(fc.array(path), (paths) => {
      const sources = planShares(paths.map((p) => at(p))).map(({ source }) => source);
      for (const wanted of paths) assert.equal(sources.filter((source) => inside(wanted, source)).length, 1);
    }),
  );
});
