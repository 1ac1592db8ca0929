import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameCutter, HEAD_BYTES, headOf, LENGTH_BYTES, LONGEST_FRAME, VNET_BYTES } from './trunk-frame.ts';

function framed(payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(LENGTH_BYTES + payload.length);
  frame.writeUInt32BE(payload.length);
  frame.set(payload, LENGTH_BYTES);
  return frame;
}

const payload = fc.uint8Array({ minLength: VNET_BYTES + 14, maxLength: 120 });

test('frames come out as they went in, however their bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(payload), fc.array(fc.nat(150)), (payloads, cuts) => {
      const frames = payloads.map(framed);
      const bytes = Buffer.concat(frames);
      const cutter = new FrameCutter();
      const out: Buffer[] = [];
      let at = 0;
      for (const length of [...cuts, bytes.length]) {
        for (const pieces of cutter.cut(bytes.subarray(at, at + length))) {
          const whole = Buffer.concat(pieces);
          assert.deepEqual(headOf(pieces), headOf([whole]).subarray(0, headOf(pieces).length));
          assert.ok(headOf(pieces).length >= Math.min(HEAD_BYTES, whole.length));
          out.push(whole);
        }
        at += length;
      }
      assert.deepEqual(out, frames);
    }),
  );
});

test('a length that no frame has is refused', () => {
  for (const length of [0, VNET_BYTES + 13, LONGEST_FRAME + 1, 0xffffffff]) {
    const head = Buffer.alloc(LENGTH_BYTES);
    head.writeUInt32BE(length);
    assert.throws(() => [...new FrameCutter().cut(Buffer.concat([head, Buffer.alloc(8)]))], /a frame of \d+ bytes/);
  }
});
