import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressesFor, addressOf, dnsOf, gatewayOf, macOf, outboundMacs, rankOfAddress } from './addresses.ts';
import { type Cidr, formatAddress, formatCidr, overlap, parseAddress, parseCidr, sizeOf } from './ipv4.ts';

const address = fc.nat(0xffffffff);
const cidr: fc.Arbitrary<Cidr> = fc
  .tuple(address, fc.nat(32))
  .map(([from, prefix]) => ({ base: from - (from % 2 ** (32 - prefix)), prefix }));

test('addresses and ranges are read as they are written', () => {
  fc.assert(fc.property(address, (each) => assert.equal(parseAddress(formatAddress(each)), each)));
  fc.assert(fc.property(cidr, (each) => assert.deepEqual(parseCidr(formatCidr(each)), each)));
});

test('what is no range is none', () => {
  for (const text of [
    '',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.1/24',
    '10.0.0/8',
    '256.0.0.0/8',
    '::/0',
    '10.0.0.0/',
    '/8',
  ]) {
    assert.equal(parseCidr(text), undefined, text);
  }
});

test('two ranges overlap when one has the first address of the other', () => {
  const within = ({ base }: Cidr, other: Cidr): boolean => base >= other.base && base < other.base + sizeOf(other);
  fc.assert(fc.property(cidr, cidr, (a, b) => assert.equal(overlap(a, b), within(a, b) || within(b, a))));
});

test('a rank is known by its address, and none has that of the gateway, nor its hardware address', () => {
  fc.assert(
    fc.property(cidr, fc.nat(100_000), (subnet, rank) => {
      fc.pre(addressesFor(rank + 1) <= sizeOf(subnet));
      const own = addressOf(subnet, rank);
      assert.equal(rankOfAddress(subnet, own), rank);
      assert.ok(own < subnet.base + sizeOf(subnet) - 1);
      assert.ok(![gatewayOf(subnet), dnsOf(subnet)].includes(formatAddress(own)));
      assert.ok(!outboundMacs(subnet).includes(macOf(rank)));
    }),
  );
});

test('addresses before and behind those of VMs have no rank', () => {
  const subnet = { base: 0xac1f0000, prefix: 24 };
  for (const each of [subnet.base, subnet.base + 15, subnet.base + 255, subnet.base + 256, subnet.base - 1]) {
    assert.equal(rankOfAddress(subnet, each), undefined);
  }
  assert.equal(formatAddress(addressOf(subnet, 0)), '172.31.0.16');
  assert.equal(macOf(258), '02:76:00:00:01:02');
  assert.deepEqual(outboundMacs(subnet), ['52:55:ac:1f:00:02', '52:55:ac:1f:00:03']);
});
