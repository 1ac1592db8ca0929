import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../../base/index.ts';
import { encodeFrame, type Frame, FrameDecoder, guestFrame, magic, maxPayload } from './frame.ts';
import { type GuestMessage, readGuestFrame } from './protocol.ts';
import { PayloadWriter } from './wire.ts';

const nonce = Buffer.from('0123456789abcdef');
const frames = fc.array(
  fc.record(
    {
      type: fc.integer({ min: 0, max: 255 }),
      id: fc.integer({ min: 0, max: 0xffff_ffff }),
      payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    },
    { noNullPrototype: true },
  ),
);

function hello(nonceOfIt: Buffer = nonce): Buffer {
  const body = new PayloadWriter().bytes(magic).u16(1).bytes(nonceOfIt).u64(7n).u64(1_500_000_000n);
  return encoded([{ type: guestFrame.hello, id: 0, payload: body.list(['1.0', '6.1.0', 'x86_64', 'init']).done() }]);
}

function encoded(list: readonly Frame[]): Buffer {
  return Buffer.concat(list.flatMap(({ type, id, payload }) => encodeFrame(type, id, payload)));
}

/** What a decoder makes of these chunks, and the error if there is one. */
function decoded(chunks: readonly Buffer[]): { readonly frames: Frame[]; readonly errors: unknown[] } {
  const result = { frames: [] as Frame[], errors: [] as unknown[] };
  const decoder = new FrameDecoder(nonce, ({ type, id, payload }) =>
    result.frames.push({ type, id, payload: Buffer.from(payload) }),
  );
  for (const chunk of chunks) {
    try {
      decoder.push(Buffer.from(chunk));
    } catch (error) {
      result.errors.push(error);
    }
  }
  return result;
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

test('FrameDecoder gives the frames that were encoded, however the bytes are split', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.nat()), (list, cuts) => {
      const all = Buffer.concat([hello(), encoded(list)]);
      const { frames: got, errors } = decoded(split(all, cuts));
      assert.deepEqual(got.slice(1), list);
      assert.deepEqual(errors, []);
    }),
  );
});

test('FrameDecoder throws away what comes before the answer to its own HELLO', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), frames, fc.array(fc.nat()), (before, list, cuts) => {
      const stale = hello(Buffer.alloc(16));
      const all = Buffer.concat([before, stale, hello().subarray(0, 30), hello(), encoded(list)]);
      const { frames: got, errors } = decoded(split(all, cuts));
      assert.equal(got[0]?.type, guestFrame.hello);
      assert.deepEqual(errors, []);
    }),
  );
});

test('FrameDecoder meets garbage with at most one protocol error, the same for every split', () => {
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.constant(new Uint8Array([0xff, 0, 0, 0, 1, 0, 0, 0, 0])),
  );
  fc.assert(
    fc.property(garbage, frames, fc.array(fc.nat()), (bytes, list, cuts) => {
      const all = Buffer.concat([hello(), encoded(list), bytes, encoded(list)]);
      const whole = decoded([all]);
      const pieces = decoded(split(all, cuts));
      assert.deepEqual(pieces.frames, whole.frames);
      assert.equal(pieces.errors.length, whole.errors.length);
      assert.ok(pieces.errors.length <= 1);
      for (const error of pieces.errors) assert.equal(error instanceof VtorqueError && error.code, 'E_GUEST_PROTOCOL');
    }),
  );
});

test('FrameDecoder takes a payload of 65536 bytes and refuses a longer one', () => {
  const largest = { type: guestFrame.stdout, id: 1, payload: Buffer.alloc(maxPayload, 1) };
  assert.equal(decoded([hello(), encoded([largest])]).frames.length, 2);
  const longer = { ...largest, payload: Buffer.alloc(maxPayload + 1) };
  assert.equal(decoded([hello(), encoded([longer])]).errors.length, 1);
});

test('readGuestFrame() meets any payload with a message or a protocol error', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 60 }), (type, bytes) => {
      let message: GuestMessage;
      try {
        message = readGuestFrame({ type, id: 1, payload: Buffer.from(bytes) });
      } catch (error) {
        assert.equal(error instanceof VtorqueError && error.code, 'E_GUEST_PROTOCOL');
        return;
      }
      assert.equal(typeof message.kind, 'string');
    }),
    { numRuns: 5000 },
  );
});

test('readGuestFrame() reads what a guest says of itself', () => {
  const [frame] = decoded([hello()]).frames;
  assert.ok(frame);
  const message = readGuestFrame(frame);
  assert.deepEqual(message, {
    kind: 'hello',
    nonce,
    hello: {
      agentVersion: '1.0',
      kernelRelease: '6.1.0',
      machine: 'x86_64',
      capabilities: ['init'],
      instance: 7n,
      bootSeconds: 1.5,
    },
  });
});
