import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeLine, FrameReader } from './frames.ts';
import { PbsError } from './protocol.ts';

/** A connection on which these pieces arrive. */
function arriving(pieces: readonly Uint8Array[]): Duplex {
  return Duplex.from(
    (async function* () {
      yield* pieces.map((piece) => Buffer.from(piece));
    })(),
  );
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places
    .slice(1)
    .map((end, i) => bytes.subarray(places[i], end))
    .filter((piece) => piece.length > 0);
}

test('a FrameReader finds the same lines and bodies however the bytes are cut', async () => {
  const message = fc.record({ line: fc.object(), body: fc.uint8Array({ maxLength: 300 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 5 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      async (messages, cuts) => {
        const bytes = Buffer.concat(messages.flatMap(({ line, body }) => [Buffer.from(encodeLine(line)), body]));
        const reader = new FrameReader(arriving(cut(bytes, cuts)));
        for (const { line, body } of messages) {
          assert.equal(await reader.line(1e6), encodeLine(line).trimEnd());
          const pieces: Buffer[] = [];
          for await (const piece of reader.body(body.length)) pieces.push(piece);
          assert.deepEqual(Buffer.concat(pieces), Buffer.from(body));
        }
        assert.equal(await reader.line(1e6), undefined);
      },
    ),
    { numRuns: 200 },
  );
});

test('a FrameReader refuses lines over the limit and connections that end within a message', async () => {
  await assert.rejects(new FrameReader(arriving([Buffer.alloc(100, 'x')])).line(99), PbsError);
  await assert.rejects(new FrameReader(arriving([Buffer.from('abc')])).line(99), PbsError);
  const body = new FrameReader(arriving([Buffer.from('abc')])).body(4);
  await assert.rejects(async () => {
    for await (const _ of body);
  }, PbsError);
});

test('a FrameReader gives everything behind a line, as it comes', async () => {
  const reader = new FrameReader(arriving([Buffer.from('line\nab'), Buffer.from('c\n'), Buffer.from('d')]));
  assert.equal(await reader.line(99), 'line');
  const rest: string[] = [];
  for await (const piece of reader.rest()) rest.push(piece.toString());
  assert.deepEqual(rest, ['ab', 'c\n', 'd']);
});
