import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Patience } from './patience.ts';

test('who is needed again and again, and cannot be reached for the whole time, is given up', () => {
  const patience = new Patience(60_000);
  for (let now = 5_000; now < 65_000; now += 5_000) assert.equal(patience.failed(now, true), false);
  assert.equal(patience.failed(65_000, true), true);
});

test('who is reached in between, or not needed, or not needed any more, is not given up', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('not needed', 'worked', 'pause'), { minLength: 1 }), (events) => {
      const patience = new Patience(60_000);
      let now = 0;
      const fails = (times: number, needed: boolean): void => {
        for (let more = 0; more < times; more++) {
          now += 5_000;
          assert.equal(patience.failed(now, needed), false);
        }
      };
      for (const event of events) {
        fails(10, true);
        if (event === 'worked') patience.worked();
        else if (event === 'pause') now += 31_000;
        else fails(20, false);
      }
    }),
  );
});
