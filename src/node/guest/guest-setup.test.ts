import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GuestAgent } from '../../guest/linux/index.ts';
import { type GuestIdentity, setUpGuest } from './guest-setup.ts';
import { usualSettings } from './node-settings.ts';

const owner = { name: 'ann', uid: 7, gid: 8, home: '/home/ann', shell: '/bin/sh', groups: [{ name: 'cfd', gid: 8 }] };
const vm = { name: 'vn1-1', rank: 0, slots: 1 };
const identity = {
  ...{
    vms: [vm],
    vm,
    mounts: [],
    variables: {},
    settings: usualSettings,
    script: Buffer.from('true'),
    scriptPath: '/s',
  },
  ...{ cloned: false, dataDisk: false, ssh: undefined, subnet: undefined, network: undefined },
  guest: { kind: 'disk', name: 'mine', rootFs: { device: '/dev/vda', type: 'ext4' } },
  context: { owner, nodeFile: '/var/spool/aux/1', env: {} },
} as unknown as GuestIdentity;

/** A guest that answers each call in this way. */
function aGuest(answer: (call: string) => Promise<unknown>): GuestAgent {
  return new Proxy({}, { get: (_, call: string) => () => answer(call) }) as GuestAgent;
}

test('setUpGuest() tells the first call that failed', async () => {
  const agent = aGuest((call) => (call === 'mount' ? Promise.reject(new Error('no such device')) : Promise.resolve()));
  await assert.rejects(setUpGuest(agent, identity), {
    code: 'E_GUEST_SETUP',
    message: 'Cannot set up guest "vn1-1": no such device',
  });
});

test('setUpGuest() does not wait for ever for a guest that does not come to the end of it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const start = setUpGuest(
    aGuest(() => new Promise(() => {})),
    identity,
  );
  t.mock.timers.tick(600_000);
  await assert.rejects(start, { code: 'E_GUEST_SETUP', message: /: it was not done within 600 s$/ });
});
