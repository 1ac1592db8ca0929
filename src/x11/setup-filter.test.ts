import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { SetupFilter, type SetupStep } from './setup-filter.ts';

const given = randomBytes(16);
const real = randomBytes(16);

/** The first packet of a client. */
function setup(
  order: 'big' | 'little',
  { protocol = 'MIT-MAGIC-COOKIE-1', cookie = given }: { protocol?: string; cookie?: Buffer } = {},
): Buffer {
  const u16 = (value: number): number[] => (order === 'big' ? [value >> 8, value & 0xff] : [value & 0xff, value >> 8]);
  const pad = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  const name = Buffer.from(protocol);
  const header = [order === 'big' ? 0x42 : 0x6c, 0, ...[11, 0, name.length, cookie.length, 0].flatMap(u16)];
  return Buffer.concat([Buffer.from(header), pad(name), pad(cookie)]);
}

/** What becomes of a connection whose bytes come in these pieces: the first answer that decides, and the rest behind it. */
function through(pieces: readonly Buffer[], secret = real): { step: SetupStep; rest: Buffer } {
  const filter = new SetupFilter(given, secret);
  for (const [index, piece] of pieces.entries()) {
    const step = filter.push(piece);
    if (step.kind !== 'more') return { step, rest: Buffer.concat(pieces.slice(index + 1)) };
  }
  return { step: { kind: 'more' }, rest: Buffer.alloc(0) };
}

const orders = fc.constantFrom('big' as const, 'little' as const);
/** Cuts of a text into pieces, anywhere. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

test('the real cookie takes the place of the given one, whatever the byte order, the pieces and what follows', () => {
  fc.assert(
    fc.property(
      ...[orders, fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(300)), fc.uint8Array({ maxLength: 40 })],
      (order, following, places, secret) => {
        const cookie = Buffer.from(secret);
        const whole = Buffer.concat([setup(order), following]);
        const { step, rest } = through(cut(whole, places), cookie);
        assert.ok(step.kind === 'pass');
        assert.deepEqual(Buffer.concat([step.bytes, rest]), Buffer.concat([setup(order, { cookie }), following]));
      },
    ),
  );
});

test('a packet that is not whole is waited for', () => {
  for (const order of ['big', 'little'] as const) {
    const whole = setup(order);
    for (let length = 0; length < whole.length; length++) {
      assert.equal(through([whole.subarray(0, length)]).step.kind, 'more');
    }
  }
});

test('any other cookie, protocol or beginning is refused, in the byte order of the client', () => {
  const wrong = Buffer.from(given);
  wrong[15] = (wrong[15] ?? 0) ^ 1;
  for (const order of ['big', 'little'] as const) {
    for (const packet of [
      setup(order, { cookie: wrong }),
      setup(order, { cookie: given.subarray(0, 15) }),
      setup(order, { cookie: Buffer.alloc(0), protocol: '' }),
      setup(order, { protocol: 'XDM-AUTHORIZATION-1' }),
    ]) {
      const { step } = through([packet]);
      assert.ok(step.kind === 'refuse');
      const { answer } = step;
      const u16 = (at: number): number => (order === 'big' ? answer.readUInt16BE(at) : answer.readUInt16LE(at));
      assert.deepEqual([answer[0], u16(2), u16(4), u16(6) * 4], [0, 11, 0, answer.length - 8]);
      assert.match(answer.toString('latin1', 8, 8 + (answer[1] ?? 0)), /^Wrong authorization .*\n$/);
    }
  }
  assert.equal(through([Buffer.from('GET / HTTP/1.1\r\n')]).step.kind, 'refuse');
  assert.equal(through([setup('big', { cookie: Buffer.alloc(1025) })]).step.kind, 'refuse');
});

test('no bytes whatever get through without the given cookie', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (pieces) => {
      assert.notEqual(through(pieces.map((piece) => Buffer.from(piece))).step.kind, 'pass');
    }),
  );
});
