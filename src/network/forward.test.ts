import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressOf, macOf, outboundMacs, rankOfAddress } from './addresses.ts';
import { type Decision, type ForwardTable, forward, mayEnter } from './forward.ts';
import { VNET_BYTES } from './trunk-frame.ts';

const subnet = { base: 0xac1f0000, prefix: 24 };
/** Six VMs on three nodes, seen from the second. */
const nodes = [0, 0, 1, 1, 2, 2];
const table: ForwardTable = { subnet, here: 1, nodeOf: (rank) => nodes[rank] };
const [gatewayMac = ''] = outboundMacs(subnet);
const everybody = 'ff:ff:ff:ff:ff:ff';

const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/[: ]/g, ''), 'hex');

function frame(to: string, from: string, type: string, payload: Buffer): Buffer {
  const body = Buffer.concat([Buffer.alloc(VNET_BYTES), bytes(to), bytes(from), bytes(type), payload]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function ip(to: number, { protocol = 17, port = 5000 } = {}): Buffer {
  const packet = Buffer.alloc(28);
  packet.writeUInt8(0x45);
  packet.writeUInt8(protocol, 9);
  packet.writeUInt32BE(addressOf(subnet, 2), 12);
  packet.writeUInt32BE(to, 16);
  packet.writeUInt16BE(port, 22);
  return packet;
}

function arp(asker: number, wanted: number, { operation = 1, from = macOf(asker) } = {}): Buffer {
  const packet = Buffer.alloc(28);
  bytes('0001 0800 0604').copy(packet);
  packet.writeUInt16BE(operation, 6);
  bytes(from).copy(packet, 8);
  packet.writeUInt32BE(addressOf(subnet, asker), 14);
  packet.writeUInt32BE(wanted, 24);
  return packet;
}

const about = (decision: Decision): string => (decision.to === 'node' ? `node ${decision.node}` : decision.to);
const unicast = (to: string, from: string): string => about(forward(frame(to, from, '0800', ip(0)), table));

test('a frame of a VM here goes to the node that has the VM it is for', () => {
  assert.equal(unicast(macOf(0), macOf(2)), 'node 0');
  assert.equal(unicast(macOf(5), macOf(3)), 'node 2');
  assert.equal(about(forward(frame(macOf(5), macOf(3), '8915', Buffer.alloc(60)), table)), 'node 2');
});

test('a frame for a VM here, for the gateway, or for nobody does not leave the node', () => {
  for (const to of [macOf(3), macOf(6), gatewayMac, '02:00:00:00:00:01']) assert.equal(unicast(to, macOf(2)), 'nobody');
});

test('whatever a guest sends, only frames of a VM of this node leave it', () => {
  const mac = fc.oneof(
    fc.nat(8).map(macOf),
    fc.constantFrom(gatewayMac, everybody, '02:77:00:00:00:02'),
    fc.uint8Array({ minLength: 6, maxLength: 6 }).map((each) => Buffer.from(each).toString('hex')),
  );
  const type = fc.oneof(
    fc.constantFrom('0800', '0806', '86dd', '8100'),
    fc.nat(0xffff).map((n) => n.toString(16).padStart(4, '0')),
  );
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((each) => Buffer.from(each)),
    fc
      .tuple(fc.nat(8), fc.nat(300), fc.nat(3))
      .map(([asker, to, operation]) => arp(asker, subnet.base + to, { operation })),
  );
  fc.assert(
    fc.property(mac, mac, type, payload, (to, from, kind, rest) => {
      const decision = forward(frame(to, from, kind, rest), table);
      if (decision.to === 'nobody') return;
      const rank = [2, 3].find((each) => bytes(macOf(each)).equals(bytes(from)));
      assert.notEqual(rank, undefined);
      if (decision.to === 'node') assert.ok([0, 2].includes(decision.node));
      if (kind === '0806') assert.equal(decision.to, 'asker');
    }),
    { numRuns: 2000 },
  );
});

test('the answer to "who has" is the hardware address of the plan, for VMs of other nodes only', () => {
  fc.assert(
    fc.property(fc.constantFrom(2, 3), fc.nat(255), (asker, last) => {
      const wanted = subnet.base + last;
      const decision = forward(frame(everybody, macOf(asker), '0806', arp(asker, wanted)), table);
      const rank = rankOfAddress(subnet, wanted);
      if (rank === undefined || ![0, 1, 4, 5].includes(rank)) return assert.equal(decision.to, 'nobody');
      assert.ok(decision.to === 'asker');
      const { answer } = decision;
      assert.equal(answer.readUInt32BE(0), answer.length - 4);
      const reply = arp(rank, addressOf(subnet, asker), { operation: 2 });
      bytes(macOf(asker)).copy(reply, 18);
      assert.deepEqual(answer, frame(macOf(asker), macOf(rank), '0806', reply));
    }),
  );
});

test('ARP of another kind is answered by nobody and stays here', () => {
  const from = macOf(2);
  for (const packet of [
    arp(2, addressOf(subnet, 0), { operation: 2 }),
    arp(2, addressOf(subnet, 0), { from: macOf(0) }),
    arp(2, addressOf(subnet, 0)).subarray(0, 20),
  ]) {
    assert.equal(about(forward(frame(everybody, from, '0806', packet), table)), 'nobody');
  }
});

test('what a program sends to all reaches all; how systems look for neighbours does not', () => {
  const sent = (to: string, packet: Buffer, type = '0800'): string =>
    about(forward(frame(to, macOf(2), type, packet), table));
  assert.equal(sent(everybody, ip(subnet.base + 255)), 'all');
  assert.equal(sent(everybody, ip(0xffffffff, { protocol: 1 })), 'all');
  assert.equal(sent('01:00:5e:01:02:03', ip(0xef010203)), 'all');
  assert.equal(sent(everybody, ip(0xffffffff, { port: 67 })), 'nobody');
  assert.equal(sent('01:00:5e:00:00:fb', ip(0xe00000fb, { port: 5353 })), 'nobody');
  assert.equal(sent('33:33:00:00:00:02', Buffer.alloc(60), '86dd'), 'nobody');
  assert.equal(sent('01:80:c2:00:00:0e', Buffer.alloc(60), '88cc'), 'nobody');
});

test('a frame may enter when it is of a VM of the node that it comes from', () => {
  const from = (mac: string): Buffer => frame(everybody, mac, '0800', ip(0));
  assert.ok(mayEnter(from(macOf(4)), 2, table));
  for (const mac of [macOf(0), macOf(2), macOf(9), gatewayMac]) assert.ok(!mayEnter(from(mac), 2, table));
  assert.ok(!mayEnter(from(macOf(2)), 1, table));
});
