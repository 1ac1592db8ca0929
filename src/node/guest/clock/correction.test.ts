import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ClockReading, correctionOf } from './correction.ts';

const ms = 1_000_000n;
const start = 1_800_000_000_000n * ms;
/** @param lateMs by which the guest's clock is late @param waitMs until the answer came */
const reading = (lateMs: number, waitMs: number): ClockReading => ({
  asked: start,
  answered: start + BigInt(waitMs) * ms,
  guest: start + (BigInt(waitMs) * ms) / 2n - BigInt(lateMs) * ms,
});

test('correctionOf() lets a clock run faster or slower that is a little wrong', () => {
  assert.deepEqual(correctionOf([reading(200, 2)]), { slew: 200_000 });
  assert.deepEqual(correctionOf([reading(-200, 2)]), { slew: -200_000 });
});

test('correctionOf() sets a clock that is more than half a second wrong', () => {
  assert.equal(correctionOf([reading(501, 0)]), 'set');
  assert.equal(correctionOf([reading(-60_000, 2)]), 'set');
});

test('correctionOf() believes the quickest answer', () => {
  assert.deepEqual(correctionOf([reading(300, 500), reading(20, 2), reading(90, 100)]), { slew: 20_000 });
});

test('correctionOf() does nothing that the wait for the answer could explain, and never makes a clock worse', () => {
  fc.assert(
    fc.property(fc.integer({ min: -400, max: 400 }), fc.nat(1000), fc.nat(1000), (late, before, after) => {
      const answered = start + BigInt(before + after) * ms;
      const guest = start + BigInt(before) * ms - BigInt(late) * ms;
      const correction = correctionOf([{ asked: start, answered, guest }]);
      if (late === 0) assert.equal(correction, 'none');
      if (typeof correction === 'object')
        assert.ok(Math.abs(late - correction.slew / 1000) < Math.abs(late) + (before + after) / 2);
    }),
  );
});
