import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Link } from '../prepared/index.ts';
import { freeSlots, isStationAddress, planSiteNetwork, slotMac } from './site-network.ts';

const br0: Link = {
  ...{
    name: 'br0',
    alias: undefined,
    group: 'default',
    mtu: 9000,
    up: true,
    kind: 'bridge',
    vni: undefined,
    port: undefined,
    addresses: [],
  },
};
const question = {
  ...{
    owner: { job: 'j', place: 'p' },
    bridge: 'br0',
    vms: 2,
    links: [br0],
    taken: new Set([1]),
    kept: [],
    slots: undefined,
  },
  macs: async (slots: readonly number[]) => slots.map((slot) => slotMac('n1', slot)),
};

test('slots are the lowest that no other job has, and a job keeps its own', () => {
  const slots = fc.uniqueArray(fc.integer({ min: 1, max: 20 }));
  fc.assert(
    fc.property(
      slots,
      slots,
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 20 }),
      (others, own, wanted, most) => {
        const taken = new Set(others);
        const kept = own.filter((slot) => !taken.has(slot));
        const free = freeSlots(taken, kept, wanted, most);
        assert.equal(new Set(free).size, free.length);
        assert.ok(free.every((slot) => slot >= 1 && slot <= most && !taken.has(slot)));
        const left = Array.from({ length: most }, (_, i) => i + 1).filter((slot) => !taken.has(slot));
        assert.equal(free.length, Math.min(wanted, left.length));
        assert.deepEqual(freeSlots(taken, free, wanted, most), free);
      },
    ),
  );
  assert.deepEqual(freeSlots(new Set([2]), [], 3), [1, 3, 4]);
});

test('hardware addresses of slots are those of single machines, locally administered and not alike', () => {
  const all = ['n1', 'n2', 'n1 1'].flatMap((node) => Array.from({ length: 500 }, (_, i) => slotMac(node, i + 1)));
  assert.equal(new Set(all).size, all.length);
  for (const mac of all) assert.ok(isStationAddress(mac) && mac.startsWith('02:'), mac);
});

test('what a script prints is a hardware address or refused', async () => {
  for (const odd of [
    '',
    '52:54:00',
    '53:54:00:00:00:01',
    '00:00:00:00:00:00',
    '52:54:00:00:00:01\n52:54:00:00:00:02',
    '10.0.0.1',
  ]) {
    assert.ok(!isStationAddress(odd), odd);
  }
  assert.ok(isStationAddress('52:54:00:00:00:01'));
  const same = await planSiteNetwork({ ...question, macs: async (slots) => slots.map(() => '52:54:00:00:00:01') });
  assert.deepEqual(same, { refused: 'two VMs would have the hardware address 52:54:00:00:00:01' });
});

test('taps are in the bridge of the site, with its MTU', async () => {
  const plan = await planSiteNetwork(question);
  assert.ok('taps' in plan);
  assert.deepEqual([plan.bridge, plan.mtu, plan.taps.map(({ slot }) => slot)], ['br0', 9000, [2, 3]]);
  assert.deepEqual(await planSiteNetwork({ ...question, links: [] }), { refused: '"br0" is no bridge of this node' });
  const [tap] = plan.taps;
  const links = [br0, { ...br0, name: tap?.ifname ?? '', kind: 'tun' }];
  assert.match(JSON.stringify(await planSiteNetwork({ ...question, links })), /is not this job's/);
});
