import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { covers, jobMark, type LeaseKey, leaseName, readMark } from './lease.ts';

const key: LeaseKey = { engine: 'torque', cluster: 'head', jobId: '121[1].head', attempt: '2', node: 'n1' };

test('the name of a lease is one plain file name, whatever is in the key', () => {
  const word = fc.string({
    unit: fc.constantFrom('a', '/', '.', '[', ']', ',', '%', ' ', '\n', 'ä', '-'),
    maxLength: 6,
  });
  const keys = fc.record(
    { engine: word, cluster: word, jobId: word, attempt: word, node: word },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(keys, (key) => {
      const name = leaseName(key);
      assert.match(name, /^[\w.!~*'()%,-]+$/);
      assert.ok(!['.', '..'].includes(name));
      assert.deepEqual(readMark(jobMark(key)), { ...key, attempt: key.attempt === '' ? undefined : key.attempt });
    }),
  );
});

test('a key that no file can be named after is refused', () => {
  assert.throws(() => leaseName({ ...key, jobId: 'x'.repeat(300) }), /too long/);
});

test('any text is a mark or none', () => {
  fc.assert(fc.property(fc.string(), (text) => readMark(text) === undefined || text.split(',').length === 5));
  assert.equal(readMark('a,b,c,d,%'), undefined);
});

test('a key covers its own run on its own node, under any form of its name', () => {
  assert.ok(covers(key, { ...key, node: 'N1.site' }));
  assert.ok(!covers(key, { ...key, node: 'n10' }));
  assert.ok(!covers(key, { ...key, attempt: '1' }));
  assert.ok(!covers(key, { ...key, cluster: 'other' }));
});

test('a key without an attempt covers all of them', () => {
  assert.ok(covers({ ...key, attempt: undefined }, key));
});
