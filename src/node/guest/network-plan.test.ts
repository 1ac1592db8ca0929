import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkFacts } from '../../network/index.ts';
import { completeRequest, type VmRequest } from '../../request/index.ts';
import { planNetwork } from './network-plan.ts';
import { usualSettings } from './node-settings.ts';

const routes = ['10.0.0.0/8'];
const taps = { taps: 2, mtu: 1450, vni: 7 };
const plan = (net: NonNullable<VmRequest['net']>, nodes: readonly NetworkFacts[], vms = 2) =>
  planNetwork(completeRequest({ net }), vms, nodes, usualSettings);

test('a job has a network of its own, apart from those of its nodes, unless it wants none', () => {
  const own = plan('user', [{ routes }]);
  assert.ok(own !== undefined && own.site !== true);
  assert.deepEqual([own.outbound, own.mtu, own.prepared], [true, usualSettings.networkMtu, undefined]);
  const inner = plan('job', [{ routes }]);
  assert.ok(inner !== undefined && inner.site !== true && !inner.outbound);
  assert.equal(plan('none', [{ routes }]), undefined);
});

test('what root has prepared on all nodes is used, with the smallest MTU; else the reason is told', () => {
  const both = plan('user', [
    { routes, prepared: taps },
    { routes, prepared: { ...taps, mtu: 1400 } },
  ]);
  assert.ok(both !== undefined && both.site !== true);
  assert.deepEqual([both.prepared, both.mtu], [true, 1400]);
  const one = plan('user', [{ routes, prepared: taps }, { routes }]);
  assert.ok(one !== undefined && one.site !== true);
  assert.deepEqual([one.prepared, one.notPrepared], [undefined, 'node 1: no hook has prepared it there']);
  assert.equal(one.mtu, usualSettings.networkMtu);
});

test('the network of the site is used where root has put taps into it on all nodes, and never replaced by another', () => {
  const site = { taps: 1, mtu: 9000 };
  assert.deepEqual(plan('bridge', [{ routes, site }], 1), { site: true, mtu: 9000 });
  const refused = (nodes: readonly NetworkFacts[], message: RegExp) =>
    assert.throws(() => plan('bridge', nodes), { code: 'E_NETWORK_SITE', message });
  refused([{ routes, prepared: taps }], /no hook of root has prepared/);
  refused([{ routes, site }], /1 taps for 2 VMs/);
  refused(
    [
      { routes, site },
      { routes, site: { refused: 'no bridge' } },
    ],
    /node 1: no bridge/,
  );
});
