// Networks of jobs that root prepares, on nodes that are network namespaces: a VXLAN between them, taps, rules, and that nothing of it stays.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isRefused, type PreparedNetwork, type Refused } from '../src/network/prepared/index.ts';
import { noNetworks } from './support/configured-node.ts';
import { until } from './support/embedded.ts';
import {
  arpRequest,
  expectNothing,
  frame,
  type Machine,
  type Machines,
  someMachines,
  type TapEnd,
  udp,
} from './support/machines.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { aUser, type TestUser } from './support/users.ts';

describe('networks that root prepares', { skip: noNetworks }, () => {
  let clean: Residue;
  let made: Machines;
  let one: Machine;
  let two: Machine;
  let three: Machine;
  let ann: TestUser;
  let bob: TestUser;

  before(async () => {
    clean = await lookForResidue();
    made = someMachines(1550);
    [one, two, three] = made.machines;
    ann = aUser();
    bob = aUser();
  });

  after(async () => {
    for (const user of [ann, bob]) user[Symbol.dispose]();
    await made[Symbol.asyncDispose]();
    await expectNoResidue(clean);
  });

  /** Prepared on these machines; released, with nothing left, when it is disposed of. */
  async function prepared(jobId: string, owner: TestUser, on: readonly Machine[]) {
    const nodes = on.map(({ address }) => address);
    const networks: PreparedNetwork[] = [];
    for (const machine of on) {
      const network = await machine.prepare({ jobId, owner, nodes });
      assert.ok(network !== undefined && !isRefused(network), JSON.stringify(network));
      networks.push(network);
    }
    return {
      networks,
      async [Symbol.asyncDispose]() {
        for (const machine of on) assert.equal((await machine.release(jobId)).stderr, '');
      },
    };
  }

  const assertNothing = (...machines: readonly Machine[]) => expectNothing(made, machines);

  const tapOf = (network: PreparedNetwork | undefined, number = 1): string => network?.taps[number - 1] ?? '';
  const A = '02:76:00:00:00:00';
  const B = '02:76:00:00:00:01';
  const C = '02:76:00:00:00:02';
  const OUT = '52:55:0a:00:00:02';

  test('the VMs of a job on three nodes reach each other, and nothing is left of it afterwards', async () => {
    {
      await using job = await prepared('1', ann, [one, two, three]);
      const [first, second, third] = job.networks;
      assert.deepEqual(
        job.networks.map(({ mtu, vni }) => [mtu, vni]),
        Array.from({ length: 3 }, () => [1500, first?.vni]),
      );
      await using a = await one.open(ann, tapOf(first));
      await using b = await two.open(ann, tapOf(second, 2));
      await using c = await three.open(ann, tapOf(third));
      await using out = await one.open(ann, first?.gatewayTap ?? '', 'gateway');
      // On a busy machine a device that has just come up drops what comes first.
      const got = (end: TapEnd): boolean => end.frames.some((each) => each.includes('to everybody'));
      const reachesAll = async (): Promise<boolean> => {
        if ([b, c, out].every(got)) return true;
        a.send(frame(A, 'to everybody'));
        return false;
      };
      await until(reachesAll, 'a frame to everybody reaches everybody');
      b.send(frame(B, 'to a alone', { to: A }));
      await a.got('to a alone');
      a.send(frame(A, 'large', { to: B, payload: Buffer.alloc(1400) }));
      await b.got('large');
      out.send(frame(OUT, 'the way out of one'));
      await a.got('the way out of one');
      c.send(frame(C, 'last'));
      for (const end of [a, b]) await end.got('last');
      for (const end of [b, c])
        assert.ok(!end.frames.some((each) => each.includes('way out')), 'each node has its own');
      assert.ok(!c.frames.some((each) => each.includes('alone') || each.includes('large')), 'it was not for c');
    }
    await assertNothing(one, two, three);
  });

  test('two jobs on the same nodes do not see each other’s frames', async () => {
    await using mine = await prepared('2', ann, [one, two]);
    await using other = await prepared('3', bob, [one, two]);
    await using a = await one.open(ann, tapOf(mine.networks[0]));
    await using b = await two.open(ann, tapOf(mine.networks[1]));
    await using x = await one.open(bob, tapOf(other.networks[0]));
    await using y = await two.open(bob, tapOf(other.networks[1]));
    // With the other job's addresses, too.
    for (const from of [A, B]) {
      a.send(frame(from, 'of ann'));
      x.send(frame(from, 'of bob'));
    }
    await b.got('of ann');
    await y.got('of bob');
    const all = (end: TapEnd): string => Buffer.concat([...end.frames]).toString('latin1');
    assert.doesNotMatch(all(b) + all(a), /of bob/);
    assert.doesNotMatch(all(y) + all(x), /of ann/);
  });

  test('nobody but the owner opens a tap', async () => {
    await using job = await prepared('4', ann, [one]);
    await assert.rejects(one.open(bob, tapOf(job.networks[0])), /PermissionError/);
    await using _ = await one.open(ann, tapOf(job.networks[0]));
  });

  test('the bridge has no address, and a job of one node no VXLAN', async () => {
    await using job = await prepared('5', ann, [one]);
    const [network] = job.networks;
    assert.equal(network?.vni, undefined);
    const { stdout } = await one.run(['ip', '-json', 'address', 'show']);
    const links = JSON.parse(stdout) as { ifname: string; operstate: string; addr_info: unknown[] }[];
    const own = links.filter(({ ifname }) => ifname.startsWith('vtq'));
    assert.deepEqual(
      own.map(({ ifname, addr_info }) => [ifname, addr_info]).sort(),
      [network?.bridge, ...(network?.taps ?? []), network?.gatewayTap].map((name) => [name, []]).sort(),
    );
  });

  test('a guest does not reach its node, whatever it sends', async () => {
    await using job = await prepared('6', ann, [one]);
    const [network] = job.networks;
    await using service = await one.listen(7);
    await using a = await one.open(ann, tapOf(network));
    const { stdout } = await one.run(['ip', '-json', 'link', 'show', 'dev', network?.bridge ?? '']);
    const [{ address: bridge = '' } = {}] = JSON.parse(stdout) as { address?: string }[];
    const attack = (text: string): void => {
      const packet = udp('10.99.0.77', one.address, [5000, 7], text);
      for (const to of [bridge, '01:80:c2:00:00:0e', 'ff:ff:ff:ff:ff:ff']) {
        a.send(frame(A, '', { to, type: 0x0800, payload: packet }));
      }
    };
    const ask = (): void => a.send(frame(A, '', { type: 0x0806, payload: arpRequest(A, '10.99.0.77', one.address) }));
    attack('with rules');
    ask();
    await one.send(one.address, 7, 'of the node itself');
    await service.got('of the node itself');
    assert.ok(!service.frames.some((each) => each.includes('with rules')));
    // What the machine had to say would have come by now.
    assert.deepEqual(a.frames, []);
    // The attack is one: without the rules it arrives.
    await one.run(['nft', 'flush', 'ruleset']);
    attack('without rules');
    await service.got('without rules');
  });

  test('other users of a node do not reach a guest by its devices', async () => {
    await using job = await prepared('7', ann, [one]);
    const [network] = job.networks;
    await using a = await one.open(ann, tapOf(network));
    const attack = async (text: string): Promise<void> => {
      for (const device of [network?.bridge ?? '', tapOf(network)]) {
        await one.send('10.5.5.5', 7, text, { user: bob, device });
      }
    };
    await attack('with rules');
    await one.run(['nft', 'flush', 'ruleset']);
    await attack('without rules');
    await a.any('a packet comes without the rules');
    const first = Buffer.concat([...a.frames]).toString('latin1');
    assert.doesNotMatch(first, /with rules/);
  });

  test('frames that a user makes up for the VXLAN do not arrive, from wherever he sends them', async () => {
    await using job = await prepared('8', ann, [one, two]);
    const [network] = job.networks;
    await using a = await one.open(ann, tapOf(network));
    await using b = await two.open(ann, tapOf(job.networks[1]));
    const vxlan = (text: string): Buffer => {
      const head = Buffer.alloc(8);
      head.writeUInt8(8, 0);
      head.writeUIntBE(network?.vni ?? 0, 4, 3);
      return Buffer.concat([head, frame(B, text)]);
    };
    for (const machine of [one, two, three]) await machine.send(one.address, 4789, vxlan('forged'), { user: bob });
    b.send(frame(B, 'true'));
    await a.got('true');
    assert.ok(!a.frames.some((each) => each.includes('forged')));
    await one.run(['nft', 'flush', 'ruleset']);
    await three.send(one.address, 4789, vxlan('forged'), { user: bob });
    await a.got('forged');
  });

  test('whatever addresses, tags and tunnels a guest puts into its frames, they stay in its job', async () => {
    await using mine = await prepared('10', ann, [one, two]);
    await using other = await prepared('11', bob, [one, two]);
    const [network] = mine.networks;
    await using a = await one.open(ann, tapOf(network));
    await using b = await two.open(ann, tapOf(mine.networks[1]));
    await using x = await one.open(bob, tapOf(other.networks[0]));
    await using y = await two.open(bob, tapOf(other.networks[1]));
    const links = JSON.parse((await one.run(['ip', '-json', 'link', 'show'])).stdout) as { address: string }[];
    const receivers = new Set([B, 'ff:ff:ff:ff:ff:ff', ...links.map(({ address }) => address)]);
    const head = Buffer.alloc(8);
    head.writeUInt8(8, 0);
    head.writeUIntBE(other.networks[0]?.vni ?? 0, 4, 3);
    const attack = (text: string): void => {
      const inner = Buffer.concat([head, frame(A, text)]);
      for (const to of receivers) {
        // As a node of the job would send it: guest root chooses the port.
        for (const [from, node] of [
          [two.address, one.address],
          [one.address, two.address],
        ] as const) {
          a.send(frame(A, '', { to, type: 0x0800, payload: udp(from, node, [700, 4789], inner) }));
        }
        for (const type of [0x8100, 0x88a8]) {
          for (const tag of [0, 1, 2, other.networks[0]?.vni ?? 0]) {
            a.send(frame(B, text, { to, type, payload: Buffer.from([(tag >> 8) & 0x0f, tag & 0xff, 0x88, 0xb5]) }));
          }
        }
        for (const from of [B, ...links.map(({ address }) => address)]) a.send(frame(from, text, { to }));
      }
    };
    attack('forged');
    a.send(frame(A, 'last of ann'));
    await b.got('last of ann');
    for (const end of [x, y]) end.send(frame(A, 'of bob'));
    await y.got('of bob');
    await x.got('of bob');
    assert.ok(![...x.frames, ...y.frames].some((each) => each.includes('forged')));
    // The attack is one: without the rules it arrives.
    await one.run(['nft', 'flush', 'ruleset']);
    attack('without rules');
    await x.got('without rules');
  });

  test('a second hook for the same job changes nothing, and one for other nodes makes everything anew', async () => {
    await using job = await prepared('9', ann, [one, two]);
    await using a = await one.open(ann, tapOf(job.networks[0]));
    await using b = await two.open(ann, tapOf(job.networks[1]));
    await using again = await prepared('9', ann, [one, two]);
    assert.deepEqual(again.networks, job.networks);
    a.send(frame(A, 'still there'));
    await b.got('still there');
    const nodes = [one, three].map(({ address }) => address);
    const moved = await one.prepare({ jobId: '9', owner: ann, nodes });
    assert.deepEqual(moved, job.networks[0]);
    const { stdout } = await one.run(['bridge', 'fdb', 'show']);
    assert.match(stdout, /00:00:00:00:00:00 .* dst 10\.99\.0\.3 /);
    assert.doesNotMatch(stdout, /dst 10\.99\.0\.2 /);
  });

  test('hooks of many jobs at once, in any order, leave nothing behind their releases', async () => {
    const nodes = [one.address, two.address];
    const ids = ['20', '21', '22'];
    const hooks = ids.flatMap((jobId) => [
      one.prepare({ jobId, owner: ann, nodes }),
      one.release(jobId),
      one.prepare({ jobId, owner: ann, nodes }),
    ]);
    await Promise.all(hooks);
    for (const jobId of ids) await one.release(jobId);
    await assertNothing(one);
  });

  const refusal = async (machine: Machine, job: Parameters<Machine['prepare']>[0]): Promise<string> => {
    const network: PreparedNetwork | Refused | undefined = await machine.prepare(job);
    assert.ok(network !== undefined && isRefused(network), JSON.stringify(network));
    await machine.release(job.jobId);
    await assertNothing(machine);
    return network.refused;
  };
  const both = () => [one.address, two.address];

  test('what cannot be is refused with its reason, and leaves nothing', async () => {
    const job = { jobId: '30', owner: ann, nodes: both() };
    assert.match(await refusal(one, { ...job, job: { mtu: 1501 } }), /MTU of "under" is 1550: 1501 needs 1551/);
    assert.match(await refusal(one, { ...job, job: { underlay: 'gone0' } }), /no device "gone0"/);
    assert.match(await refusal(one, { ...job, nodes: undefined }), /does not tell/);
    assert.match(
      await refusal(one, { ...job, nodes: [one.address, 'no-such-node.invalid'] }),
      /"no-such-node.invalid" has no IPv4/,
    );
    await one.run(['sysctl', '-qw', 'net.ipv4.ip_unprivileged_port_start=80']);
    assert.match(await refusal(one, job), /users may send from port 80/);
    await one.run(['sysctl', '-qw', 'net.ipv4.ip_unprivileged_port_start=1024']);
  });

  test('an identifier or a port that is taken is refused, and given when it is free again', async () => {
    const job = { owner: ann, nodes: both(), job: { range: [77, 77] as const } };
    assert.ok(!isRefused((await one.prepare({ ...job, jobId: '31' })) ?? {}));
    const second = await one.prepare({ ...job, jobId: '32' });
    assert.deepEqual(second, { refused: 'another job has the network identifier 77 here' });
    await one.release('31');
    assert.ok(!isRefused((await one.prepare({ ...job, jobId: '32' })) ?? {}));
    await one.release('32');
    await one.run(['ip', 'link', 'add', 'sites', 'type', 'vxlan', 'id', '5', 'dstport', '4789', 'dev', 'under']);
    assert.match(await refusal(one, { ...job, jobId: '33' }), /port 4789 is that of the VXLAN "sites"/);
    await one.run(['ip', 'link', 'delete', 'sites']);
  });

  test('a firewall that drops what bridges forward is seen before a job is lost in it', async () => {
    const chain = 'add table inet site; add chain inet site f { type filter hook forward priority 0; policy drop; }';
    await one.run(['nft', chain]);
    await one.run(['sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=1']);
    assert.match(
      await refusal(one, { jobId: '34', owner: ann, nodes: both() }),
      /drops what it forwards \(inet site f\)/,
    );
    await one.run(['sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0']);
    await using job = await prepared('35', ann, [one, two]);
    assert.equal(job.networks.length, 2);
    await one.run(['nft', 'delete table inet site']);
  });
});
