import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hookedAttempt } from './pbs-job.ts';

test('a run of a job is known to hooks where they, or what they have said, name it', () => {
  const env = { VTORQUE_ATTEMPT: '2' };
  assert.equal(hookedAttempt('embedded', env), '2');
  assert.equal(hookedAttempt('openpbs', env), '2');
  assert.equal(hookedAttempt('openpbs', {}), undefined);
  assert.equal(hookedAttempt('torque', env), undefined);
});
