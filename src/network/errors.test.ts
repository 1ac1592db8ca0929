import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tapFailure } from './errors.ts';

test('what ended before it became QEMU is a failure of the network; what QEMU itself ended with is none', () => {
  const gone = tapFailure({ code: 76, signal: null }, ["the job's network is gone"]);
  assert.deepEqual([gone?.code, gone?.phase], ['E_NETWORK_LOST', 'network']);
  assert.equal(tapFailure({ code: 1, signal: null }, []), undefined);
  assert.equal(tapFailure({ code: null, signal: 'SIGKILL' }, []), undefined);
});
