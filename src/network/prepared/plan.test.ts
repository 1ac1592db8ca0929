import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { devicesOf, isThere, leftOf } from './build.ts';
import { buildSteps, removeSteps } from './commands.ts';
import { firewall } from './firewall.ts';
import { type Link, parseLinks } from './links.ts';
import { deviceAliases, deviceGroups, deviceNames, LONGEST_DEVICE_NAME, MOST_TAPS, vniOf } from './names.ts';
import { type JobNetworkQuestion, planJobNetwork } from './plan.ts';
import { isRefused, type JobNetwork } from './types.ts';

const owner = { job: 'slurm,c,1,,', place: 'slurm,c,1,,n1' };
const aLink = (changes: Partial<Link> = {}): Link => ({
  ...{
    name: 'eth0',
    alias: undefined,
    group: 'default',
    mtu: 1500,
    up: true,
    kind: undefined,
    vni: undefined,
    port: undefined,
  },
  ...{ addresses: ['10.0.0.1'], ...changes },
});
const aQuestion = (changes: Partial<JobNetworkQuestion> = {}): JobNetworkQuestion => ({
  ...{ owner, vms: 2, mtu: 0, peers: ['10.0.0.2', '10.0.0.3'], links: [aLink()], reserved: [], firstUserPort: 1024 },
  vxlan: { range: [1, 2 ** 24 - 1], port: 4789, underlay: 'eth0' },
  ...changes,
});
const planned = (changes: Partial<JobNetworkQuestion> = {}): JobNetwork => {
  const plan = planJobNetwork(aQuestion(changes));
  assert.ok(!isRefused(plan), JSON.stringify(plan));
  return plan;
};
const refused = (changes: Partial<JobNetworkQuestion>): string => {
  const plan = planJobNetwork(aQuestion(changes));
  assert.ok(isRefused(plan), JSON.stringify(plan));
  return plan.refused;
};
const text = fc.string({ unit: 'binary', maxLength: 40 });

test('names of devices fit, are not alike, and say nothing that a user has chosen', () => {
  fc.assert(
    fc.property(text, text, fc.integer({ min: 1, max: MOST_TAPS }), (job, place, number) => {
      const names = deviceNames({ job, place });
      const all = [names.bridge, names.vxlan, names.gatewayTap, names.tap(number), names.siteTap(number)];
      assert.equal(new Set(all).size, all.length);
      for (const name of all) assert.match(name, /^vtq[0-9a-f]{8}[a-z]\d*$/);
      for (const name of all) assert.ok(name.length <= LONGEST_DEVICE_NAME, name);
      for (const alias of Object.values(deviceAliases({ job, place }))) assert.match(alias, /^[\w:]{1,100}$/);
    }),
  );
});

test('all nodes come to the same network identifier, which is within the range', () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 2 ** 24 - 1 }), fc.integer({ min: 1, max: 2 ** 24 - 1 }))
    .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
  fc.assert(
    fc.property(text, range, (job, range) => {
      const vni = vniOf({ job }, range);
      assert.equal(vni, vniOf({ job }, range));
      assert.ok(Number.isInteger(vni) && vni >= range[0] && vni <= range[1]);
    }),
  );
  const different = new Set(Array.from({ length: 1000 }, (_, i) => vniOf({ job: String(i) }, [1, 2 ** 24 - 1])));
  assert.ok(different.size > 990);
});

test('a job of several nodes has a bridge, taps and a VXLAN to all other nodes', () => {
  const { vxlan, taps, mtu } = planned({ vms: 3, peers: ['10.0.0.3', '10.0.0.1', '10.0.0.2', '10.0.0.3'] });
  assert.deepEqual([vxlan?.peers, vxlan?.local, vxlan?.underlay], [['10.0.0.2', '10.0.0.3'], '10.0.0.1', 'eth0']);
  assert.deepEqual([taps.length, mtu], [3, 1450]);
});

test('nodes that are this machine need no VXLAN, and no device for one', () => {
  for (const peers of [[], ['10.0.0.1']]) {
    const plan = planned({ peers, vxlan: { range: [1, 1], port: 4789, underlay: '' } });
    assert.deepEqual([plan.vxlan, plan.mtu], [undefined, 65_520]);
  }
});

test('the MTU is as large as the device below allows, or as asked for, and never larger', () => {
  fc.assert(
    fc.property(fc.integer({ min: 68, max: 9216 }), fc.integer({ min: 0, max: 9216 }), (below, mtu) => {
      const plan = planJobNetwork(aQuestion({ mtu, links: [aLink({ mtu: below })] }));
      if (isRefused(plan)) assert.ok(mtu + 50 > below || below < 626 || (mtu > 0 && mtu < 576), plan.refused);
      else assert.ok(plan.mtu + 50 <= below && (mtu === 0 ? plan.mtu + 50 === below : plan.mtu === mtu));
    }),
  );
});

test('what cannot be is refused with its reason', () => {
  const { bridge, vxlan } = deviceNames(owner);
  const vni = vniOf(owner, [1, 2 ** 24 - 1]);
  const other = aLink({
    name: 'vtq00000000x',
    kind: 'vxlan',
    vni,
    port: 4789,
    alias: 'vtorque:job:other',
    addresses: [],
  });
  assert.match(refused({ links: [] }), /no device "eth0"/);
  assert.match(refused({ links: [aLink({ up: false })] }), /"eth0" is down/);
  assert.match(refused({ links: [aLink({ addresses: [] })] }), /no IPv4 address/);
  assert.match(refused({ mtu: 1451 }), /MTU of "eth0" is 1500: 1451 needs 1501 there/);
  for (const mtu of [575, 65_522]) assert.match(refused({ mtu, peers: [] }), /576 to 65521 can/);
  assert.match(refused({ firstUserPort: 0 }), /users may send from port 0/);
  assert.match(refused({ links: [aLink(), aLink({ name: bridge })] }), /is not this job's/);
  assert.match(refused({ links: [aLink(), other] }), new RegExp(`another job has the network identifier ${vni} here`));
  assert.match(refused({ reserved: [{ vni, port: 4789 }] }), /another job has/);
  assert.match(
    refused({ links: [aLink(), { ...other, alias: undefined, vni: 1 }] }),
    /"vtq00000000x", which is not ours/,
  );
  assert.ok(planned({ links: [aLink(), { ...other, vni: vni + 1 }], reserved: [{ vni, port: 8472 }] }));
  // One's own of a run before is no clash.
  assert.ok(planned({ links: [aLink(), { ...other, name: vxlan, alias: deviceAliases(owner).job }] }));
});

test('commands make what was planned, with every device down before the rules hold, and silent', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.boolean(), (vms, alone) => {
      const job = planned({ vms, ...(alone ? { peers: [] } : {}) });
      const steps = buildSteps(owner, 1000, { job }, new Set());
      const devices = devicesOf({ job });
      assert.deepEqual(steps.up.map((words) => words[3]).sort(), [...devices].sort());
      assert.ok(!steps.create.flat().includes('up'));
      for (const device of devices) {
        assert.ok(steps.settings.some(([file]) => file === `ipv6/conf/${device}/disable_ipv6`));
        assert.equal(
          steps.create.filter(([, verb, dev, name]) => verb === 'add' && (dev === device || name === device)).length,
          1,
        );
      }
      const owned = steps.create.filter(([kind]) => kind === 'tuntap');
      assert.ok(owned.length === vms + 1 && owned.every((words) => words.join(' ').includes('mode tap user 1000')));
      const peers = job.vxlan?.peers ?? [];
      assert.deepEqual(
        steps.forwarding.flatMap(([kind, , , , , , to]) => (kind === 'fdb' ? [to] : [])),
        peers,
      );
      assert.deepEqual(
        steps.forwarding.flatMap(([kind, , , port, what]) => (kind === 'link' ? [`${port} ${what}`] : [])).sort(),
        [job.vxlan?.device, job.gatewayTap].flatMap((port) => (port === undefined ? [] : [`${port} isolated`])).sort(),
      );
      const second = buildSteps(owner, 1000, { job }, new Set([job.bridge, job.vxlan?.device ?? '']));
      assert.ok(!second.forwarding.flat().includes('fdb'));
    }),
  );
});

test('devices are removed at once, unless another one has come into their group', () => {
  const job = planned({ vms: 3 });
  const { place } = deviceGroups(owner);
  const own = [...job.taps, job.gatewayTap].map((name) => aLink({ name, group: place }));
  const bridge = aLink({ name: job.bridge });
  const others = [aLink(), aLink({ name: 'eth1', group: '7' })];
  assert.deepEqual(removeSteps(owner, [...own, bridge], [...others, ...own, bridge]), [
    ['link', 'delete', 'group', place],
    ['link', 'delete', 'dev', job.bridge],
  ]);
  const foreign = aLink({ name: 'eth2', group: place });
  const single = removeSteps(owner, own, [...own, foreign]);
  assert.deepEqual(
    single,
    own.map(({ name }) => ['link', 'delete', 'dev', name]),
  );
  assert.deepEqual(removeSteps(owner, [], others), []);
});

test('what is left of a job is known by its words, or by its record, and is not what another node of it uses', () => {
  const job = planned();
  const aliases = deviceAliases(owner);
  const [first = '', second = ''] = job.taps;
  const bridge = aLink({ name: job.bridge, alias: aliases.job });
  const own = [aLink({ name: first, alias: aliases.place }), aLink({ name: second })];
  const others = [aLink(), aLink({ name: job.gatewayTap, alias: 'vtorque:place:other' })];
  const links = [bridge, ...own, ...others];
  assert.deepEqual(leftOf(owner, { job }, [], links), [bridge, ...own]);
  assert.deepEqual(leftOf(owner, { job }, [{ job }], [bridge, ...others]), []);
  assert.deepEqual(leftOf(owner, {}, [], links), [bridge, own[0]]);
});

test('devices are there when all are, up and with the words of their owner', () => {
  const job = planned();
  const aliases = deviceAliases(owner);
  const links = devicesOf({ job }).map((name) => {
    const alias = [job.bridge, job.vxlan?.device].includes(name) ? aliases.job : aliases.place;
    return aLink({ name, alias });
  });
  assert.ok(isThere(owner, { job }, links));
  for (const [at, link] of links.entries()) {
    assert.ok(!isThere(owner, { job }, links.toSpliced(at, 1)));
    assert.ok(!isThere(owner, { job }, links.with(at, { ...link, up: false })));
    assert.ok(!isThere(owner, { job }, links.with(at, { ...link, alias: 'vtorque:place:other' })));
  }
});

test('rules speak of devices that exist, and are gone with the last job', () => {
  const job = planned();
  const site = { bridge: 'br0', mtu: 1500, taps: [{ ifname: 'vtq1s1', mac: '02:00:00:00:00:01', slot: 1 }] };
  const all = new Set([...devicesOf({ job, site })]);
  const rules = firewall([{ job, site }, { job }], all);
  assert.match(
    rules,
    new RegExp(`ip saddr { 10.0.0.2, 10.0.0.3 } @th,96,24 ${job.vxlan?.vni} accept\n {4}udp dport 4789 drop`),
  );
  assert.match(rules, /ether saddr != 02:00:00:00:00:01 drop/);
  assert.equal(rules.split('accept\n').length, 2);
  const without = firewall([{ job, site }], new Set([job.bridge]));
  assert.ok(
    !without.includes('vtq1s1') && !without.includes(`"${job.gatewayTap}"`) && without.includes(`"${job.bridge}"`),
  );
  assert.doesNotMatch(firewall([], all), /chain|\{/);
});

test('devices are read from what ip prints', () => {
  const told = [
    { ifname: 'lo', flags: ['UP'], mtu: 65536, addr_info: [{ family: 'inet', local: '127.0.0.1', scope: 'host' }] },
    {
      ...{ ifname: 'x', ifalias: 'vtorque:job:1', flags: ['BROADCAST'], mtu: 1450 },
      ...{ linkinfo: { info_kind: 'vxlan', info_data: { id: 7, port: 4789 } }, addr_info: [] },
    },
    {
      ...{ ifname: 'eth0', flags: ['UP'], mtu: 1500 },
      addr_info: [
        { family: 'inet', local: '169.254.0.1', scope: 'link' },
        { family: 'inet6', local: '::2', scope: 'global' },
        { family: 'inet', local: '10.0.0.1', scope: 'global' },
      ],
    },
  ];
  const [lo, x, eth0] = parseLinks(JSON.stringify(told));
  assert.deepEqual([lo?.up, lo?.addresses], [true, ['127.0.0.1']]);
  assert.deepEqual([x?.up, x?.alias, x?.kind, x?.vni, x?.port], [false, 'vtorque:job:1', 'vxlan', 7, 4789]);
  assert.deepEqual(eth0?.addresses, ['10.0.0.1', '169.254.0.1']);
});
