import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leasesPlace } from './place.ts';

test('leases of root are below /var/lib, those of an ordinary user among his own files', () => {
  assert.equal(leasesPlace('torque', '', { HOME: '/home/u' }, 0), '/var/lib/vtorque/leases');
  assert.equal(leasesPlace('slurm', 'c', { HOME: '/home/u' }, 1000), '/home/u/.local/state/vtorque/leases');
});

test('leases of an instance of the embedded batch system are in its own directory', () => {
  assert.equal(leasesPlace('embedded', '/srv/one', {}, 0), '/srv/one/leases');
  assert.throws(() => leasesPlace('embedded', '', {}, 0), { code: 'E_LEASES' });
});
