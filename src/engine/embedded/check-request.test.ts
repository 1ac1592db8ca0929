import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkRequest } from './check-request.ts';
import { PbsError, type Request } from './protocol.ts';
import { aSubmission } from './test-builders.ts';

test('checkRequest() lets good requests through', () => {
  const requests: Request[] = [
    { op: 'info' },
    { op: 'status', ids: ['1', '2[].head'], full: true },
    { op: 'delete', id: '1', delayMs: 0 },
    { op: 'submit', submission: aSubmission({ array: '1-3' }), body: 10 },
  ];
  for (const request of requests) assert.equal(checkRequest(request), request);
});

test('checkRequest() refuses unknown operations, names of JavaScript’s own, and wrong types', () => {
  const wrong = [
    { op: 'reboot' },
    { op: 'toString' },
    { op: '__proto__' },
    { op: 'wait' },
    { op: 'wait', id: 1 },
    { op: 'status', ids: [1] },
    { op: 'signal', id: '1', signal: 1.5 },
    { op: 'submit', submission: { ...aSubmission(), variables: [['A']] }, body: 1 },
    { op: 'submit', submission: aSubmission(), body: -1 },
    { op: 'submit', submission: aSubmission(), body: 0, authority: 5 },
    { op: 'submit', submission: { ...aSubmission(), display: [':0'] }, body: 0 },
    { op: 'submit', submission: { ...aSubmission(), umask: 'x' }, body: 0 },
    { op: 'submit', submission: { ...aSubmission(), owner: { uid: 0 } }, body: 0 },
    { op: 'alter', id: '1', elements: [], change: { owner: { uid: 0 } } },
  ];
  for (const request of wrong)
    assert.throws(() => checkRequest(request as unknown as Request), PbsError, JSON.stringify(request));
});

test('checkRequest() throws nothing but its own error, whatever it gets', () => {
  const op = fc.constantFrom('submit', 'status', 'wait', 'delete', 'signal', 'stop', 'x');
  fc.assert(
    fc.property(op, fc.object({ key: fc.constantFrom('id', 'ids', 'body', 'submission', 'signal') }), (name, rest) => {
      try {
        checkRequest({ ...rest, op: name } as unknown as Request);
      } catch (error) {
        assert.ok(error instanceof PbsError);
      }
    }),
  );
});
