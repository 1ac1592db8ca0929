import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decidePrepared, offerOf } from './decide.ts';

const offer = { taps: 2, mtu: 1450, vni: 7 };

test('a job uses what was prepared if all its nodes have it, for all VMs, with the smallest MTU', () => {
  assert.deepEqual(decidePrepared([offer, { ...offer, mtu: 1400 }], 2), { mtu: 1400 });
  assert.deepEqual(decidePrepared([{ taps: 1, mtu: 9000 }], 1), { mtu: 9000 });
});

test('without hooks nothing is said of them', () => {
  assert.equal(decidePrepared([undefined, undefined], 2), undefined);
});

test('one node that lacks it is enough, and is told with its reason', () => {
  const why = (second: Parameters<typeof decidePrepared>[0][number], vms = 2) => decidePrepared([offer, second], vms);
  assert.deepEqual(why(undefined), { why: 'node 1: no hook has prepared it there' });
  assert.deepEqual(why({ refused: 'clash' }), { why: 'node 1: clash' });
  assert.deepEqual(why({ ...offer, taps: 1 }), { why: 'node 1: 1 taps for 2 VMs' });
  assert.deepEqual(why({ ...offer, vni: 8 }), { why: 'node 1: it has another network identifier than the first node' });
  const alone = { taps: 2, mtu: 65_520, machine: 'a' };
  const apart = { why: 'node 1: it leads to no other machine, and the first node is one' };
  assert.deepEqual(decidePrepared([alone, { ...alone, machine: 'b' }], 2), apart);
  assert.deepEqual(decidePrepared([alone, alone], 2), { mtu: 65_520 });
  assert.deepEqual(decidePrepared([{ refused: 'clash' }], 1), { why: 'clash' });
});

test('what is offered is counted, not named', () => {
  const network = { bridge: 'b', taps: ['t1', 't2'], gatewayTap: 'g', mtu: 1450, vni: 7 };
  assert.deepEqual(offerOf(network, 'a'), offer);
  assert.deepEqual(offerOf(JSON.parse(JSON.stringify({ ...network, vni: undefined })), 'a'), {
    taps: 2,
    mtu: 1450,
    machine: 'a',
  });
  const site = { bridge: 'br0', taps: [{ ifname: 't1', mac: '02:76:00:00:00:01' }], mtu: 1500 };
  assert.deepEqual(offerOf(site, 'a'), { taps: 1, mtu: 1500 });
  assert.deepEqual(offerOf({ refused: 'x' }, 'a'), { refused: 'x' });
});
