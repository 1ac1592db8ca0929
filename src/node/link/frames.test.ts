import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeFrame, FrameReader } from './frames.ts';

test('messages arrive as they were sent, however their bytes are cut', () => {
  const message = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(fc.array(message), fc.array(fc.nat(200)), (messages, cuts) => {
      const bytes = Buffer.concat(messages.map(encodeFrame));
      const reader = new FrameReader();
      const read: unknown[] = [];
      let at = 0;
      for (const length of [...cuts, bytes.length]) {
        read.push(...reader.read(bytes.subarray(at, at + length)));
        at += length;
      }
      assert.deepEqual(read, JSON.parse(JSON.stringify(messages)));
    }),
  );
});

test('what is no message is refused', () => {
  const framed = (text: string): Buffer => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(Buffer.byteLength(text));
    return Buffer.concat([head, Buffer.from(text)]);
  };
  for (const bytes of [Buffer.from('GET / HTTP/1.1'), framed('{'), framed('[]'), framed('1'), framed('null')]) {
    assert.throws(() => new FrameReader().read(bytes), { code: 'E_NODE_PROTOCOL' });
  }
});
