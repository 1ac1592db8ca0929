// Hooks and reaper of a batch system that prepare networks as the site's configuration says, in a network namespace with a configuration of its own.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { leaseName } from '../src/node/leases/lease.ts';
import { readPreparedNetwork } from '../src/node/network/prepared.ts';
import { type ConfiguredNode, configuredNode, noNetworks } from './support/configured-node.ts';
import { assertQuiet, type RootHooks, rootHooks } from './support/root-hooks.ts';
import { useCluster } from './support/use-cluster.ts';

describe('hooks that prepare networks', { skip: noNetworks }, () => {
  let hooks: RootHooks;
  let node: ConfiguredNode;

  useCluster({
    nodes: 2,
    np: 1,
    around: async (ending) => {
      node = ending.use(configuredNode());
    },
    whenStarted: (cluster) => {
      hooks = rootHooks(cluster, node.inside);
      node.configure('job = "vxlan"', 'max_vms_per_node = 3');
    },
  });

  afterEach(() => node.expectNoNetworks());

  const keyOf = (jobId: string, node = 'node1') => ({
    ...{ engine: 'embedded', cluster: hooks.instance, jobId, attempt: '1', node },
  });
  const told = (jobId: string, name?: string) => readPreparedNetwork(keyOf(jobId, name), node.facts);

  test('a job has taps on each of its nodes, in one bridge where these are one machine, and nothing after its releases', async () => {
    const id = '9500.x';
    assertQuiet(await hooks.call('prologue', id));
    assertQuiet(await hooks.call('prologue.parallel', id, { node: 1 }));
    const [first, second] = [await told(id), await told(id, 'node2')];
    assert.ok(first !== undefined && second !== undefined && 'taps' in first && 'taps' in second);
    assert.equal(first.bridge, second.bridge);
    assert.deepEqual(
      (await node.devices()).sort(),
      [first.bridge, ...[first, second].flatMap(({ taps, gatewayTap }) => [...taps, gatewayTap])].sort(),
    );
    assertQuiet(await hooks.call('epilogue', id));
    assert.equal(await told(id), undefined);
    assert.equal((await node.devices()).length, 5);
    assertQuiet(await hooks.call('epilogue.parallel', id, { node: 1 }));
  });

  test('the reaper lists the devices of a job that is no more, and removes them', async () => {
    const id = '9501.x';
    assertQuiet(await hooks.call('prologue', id));
    await hooks.age(id);
    const made = await node.devices();
    const dry = await hooks.reap('--dry-run');
    assert.match(dry.stdout, /^release job 9501\.x on node1, with vtq/m);
    for (const device of made) assert.ok(dry.stdout.includes(device), device);
    assert.deepEqual(await node.devices(), made);
    const { actions } = JSON.parse((await hooks.reap('--json')).stdout) as { actions: { devices: string[] }[] };
    assert.deepEqual(actions[0]?.devices.toSorted(), made.toSorted());
  });

  test('devices whose lease is lost are removed, too', async () => {
    const id = '9502.x';
    assertQuiet(await hooks.call('prologue', id));
    await rm(join(hooks.instance, 'leases', `${leaseName(keyOf(id))}.lease`));
    assert.match((await hooks.reap()).stdout, /^remove vtq.* of job 9502\.x on node1$/m);
  });

  test('a hook that is killed at any moment leaves nothing that the reaper does not find', async () => {
    for (const [at, killedAfterMs] of [60, 90, 120, 150, 180, 220, 260, 320, 400].entries()) {
      const id = `951${at}.x`;
      await hooks.call('prologue', id, { killedAfterMs });
      await hooks.age(id);
      assert.equal((await hooks.reap()).code, 0);
      assert.deepEqual(await node.devices(), [], `killed after ${killedAfterMs} ms`);
    }
  });

  test('what cannot be prepared is told to the job, and is no failure of the hook', async () => {
    node.configure('job = "vxlan"', 'bridge = "none0"');
    const id = '9503.x';
    assertQuiet(await hooks.call('prologue', id));
    assert.ok('taps' in ((await told(id)) ?? {}));
    assertQuiet(await hooks.call('epilogue', id));
    node.configure('job = "vxlan"', 'mtu = -5');
    const { code, stderr } = await hooks.call('prologue', '9504.x');
    assert.deepEqual([code, /Cannot use the configuration/.test(stderr)], [0, true], stderr);
    assertQuiet(await hooks.call('epilogue', '9504.x'));
    node.configure('job = "off"');
    assertQuiet(await hooks.call('prologue', '9505.x'));
    assert.equal(await told('9505.x'), undefined);
    assertQuiet(await hooks.call('epilogue', '9505.x'));
    node.configure('job = "vxlan"', 'max_vms_per_node = 3');
  });
});
