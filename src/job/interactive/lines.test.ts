import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FromJob, JobReader, lineFromJob, lineToJob, type ToJob, UserReader } from './lines.ts';

const token = '0123456789abcdef01234567';
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const fromJob: fc.Arbitrary<FromJob> = fc.oneof(
  fc.constantFrom<FromJob>({ kind: 'hello' }, { kind: 'begin' }),
  bytes.map((output): FromJob => ({ kind: 'output', bytes: output })),
  fc.integer({ min: 0, max: 255 }).map((code): FromJob => ({ kind: 'exit', code })),
);
const side = fc.integer({ min: 1, max: 0xffff });
const toJob: fc.Arbitrary<ToJob> = fc.oneof(
  fc.constant<ToJob>({ kind: 'end' }),
  bytes.map((input): ToJob => ({ kind: 'input', bytes: input })),
  fc.tuple(side, side).map(([columns, rows]): ToJob => ({ kind: 'size', columns, rows })),
);

/** Cut where the transport may cut. */
function pieces(text: string, sizes: readonly number[]): Buffer[] {
  const all = Buffer.from(text, 'latin1');
  const cut: Buffer[] = [];
  for (let at = 0, i = 0; at < all.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    cut.push(all.subarray(at, at + size));
    at += size;
  }
  return cut;
}
const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });

test('what the job says arrives, however it is cut, with other text left as it is and in its place', () => {
  // Text that looks like the beginning of a token as well.
  const text = fc.oneof(fc.string(), fc.constantFrom(token.slice(0, 9), `${token.slice(0, 23)}\n`, '\r\n'));
  const part = fc.oneof(
    fromJob,
    text.map((value) => ({ kind: 'text' as const, bytes: Buffer.from(value) })),
  );
  fc.assert(
    fc.property(fc.array(part), sizes, fc.boolean(), (said, cuts, altered) => {
      const lines = said.map((message) =>
        message.kind === 'text' ? message.bytes.toString('latin1') : lineFromJob(token, message),
      );
      const reader = new JobReader(token);
      // A terminal on the way makes two characters of a line end.
      const sent = lines.map((line, i) => (altered && said[i]?.kind !== 'text' ? line.replace('\n', '\r\n') : line));
      const read = pieces(sent.join(''), cuts).flatMap((piece) => [...reader.read(piece)]);
      assert.deepEqual(joined([...read, { kind: 'text', bytes: reader.rest() }]), joined(said));
    }),
  );
});

/** Text that stands together is one. */
function joined(messages: readonly (FromJob | { readonly kind: 'text'; readonly bytes: Buffer })[]): unknown[] {
  const result: unknown[] = [];
  let text = Buffer.alloc(0);
  const flush = (): void => {
    if (text.length > 0) result.push(text.toString('latin1'));
    text = Buffer.alloc(0);
  };
  for (const message of messages) {
    if (message.kind === 'text') text = Buffer.concat([text, message.bytes]);
    else {
      flush();
      result.push(message);
    }
  }
  flush();
  return result;
}

test('what the user says arrives, however it is cut', () => {
  fc.assert(
    fc.property(fc.array(toJob), sizes, (said, cuts) => {
      const reader = new UserReader();
      const read = pieces(said.map(lineToJob).join(''), cuts).flatMap((piece) => [...reader.read(piece)]);
      assert.deepEqual(read, said);
    }),
  );
});

test('what was typed before anybody listened counts as nothing', () => {
  assert.deepEqual([...new UserReader().read(Buffer.from('ls\nW 0 0\nW 9\nX 1\n\n'))], []);
});

test('a line of the job that was never finished is not shown', () => {
  const reader = new JobReader(token);
  assert.deepEqual([...reader.read(Buffer.from(`${token} D YWJ`))], []);
  assert.equal(reader.rest().length, 0);
});
