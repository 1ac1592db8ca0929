import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressesFor } from './addresses.ts';
import { type Cidr, formatCidr, overlap, parseCidr, sizeOf } from './ipv4.ts';
import { chooseSubnet } from './subnet.ts';

const cidrs = (...texts: string[]): Cidr[] => texts.map((text) => parseCidr(text) as Cidr);
const near = fc
  .tuple(fc.nat(0xffff), fc.integer({ min: 16, max: 32 }))
  .map(([low, prefix]) => ({ base: 0xac1f0000 + low - (low % 2 ** (32 - prefix)), prefix }));

test('chooseSubnet() gives one that is in a pool, large enough, and in the way of none; or there is none', () => {
  fc.assert(
    fc.property(
      fc.array(near, { maxLength: 4 }),
      fc.nat(3000),
      fc.array(near, { maxLength: 30 }),
      (pools, vms, routes) => {
        let chosen: Cidr;
        try {
          chosen = chooseSubnet(pools, vms, routes);
        } catch (error) {
          assert.equal((error as { code: string }).code, 'E_NETWORK_SUBNET');
          // Then each place where one of a fitting size could be is taken.
          const prefix = Math.min(24, 32 - Math.ceil(Math.log2(addressesFor(vms))));
          for (const pool of pools)
            for (
              let base = pool.base;
              base + 2 ** (32 - prefix) <= pool.base + sizeOf(pool);
              base += 2 ** (32 - prefix)
            )
              assert.ok(routes.some((route) => overlap(route, { base, prefix })));
          return;
        }
        assert.ok(sizeOf(chosen) >= addressesFor(vms));
        assert.equal(chosen.base % sizeOf(chosen), 0);
        assert.ok(pools.some((pool) => pool.prefix <= chosen.prefix && overlap(pool, chosen)));
        assert.ok(!routes.some((route) => overlap(route, chosen)));
      },
    ),
  );
});

test('chooseSubnet() takes the next one where a node of the job uses the first', () => {
  const pools = cidrs('172.31.0.0/16', '10.254.0.0/16');
  const choose = (vms: number, ...routes: string[]): string => formatCidr(chooseSubnet(pools, vms, cidrs(...routes)));
  assert.equal(choose(4), '172.31.0.0/24');
  assert.equal(choose(4, '172.31.0.7/32'), '172.31.1.0/24');
  assert.equal(choose(4, '172.31.0.0/20', '192.0.2.0/24'), '172.31.16.0/24');
  assert.equal(choose(4, '172.16.0.0/12'), '10.254.0.0/24');
  assert.equal(choose(2000, '172.31.9.0/24'), '172.31.0.0/21');
});

test('chooseSubnet() says what is in use when nothing is left', () => {
  assert.throws(() => chooseSubnet(cidrs('172.31.0.0/24'), 500, []), /none of 172\.31\.0\.0\/24 has 1024 addresses/);
  assert.throws(() => chooseSubnet(cidrs('10.0.0.0/8'), 2, cidrs('10.0.0.0/8')), {
    code: 'E_NETWORK_SUBNET',
    details: ['in use: 10.0.0.0/8'],
  });
});

test('a network for 80,000 VMs is chosen at once, among routes of many nodes', () => {
  const routes = Array.from({ length: 10_000 }, (_, at) => ({ base: 0x0a000000 + at * 256, prefix: 24 }));
  assert.equal(formatCidr(chooseSubnet(cidrs('10.0.0.0/8'), 80_000, routes)), '10.40.0.0/15');
});
