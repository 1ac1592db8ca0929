import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noCloudSeed } from './no-cloud.ts';

const seed = (network: Parameters<typeof noCloudSeed>[0]['network']): string =>
  noCloudSeed({ agent: Buffer.from('agent'), network }).toString('latin1');
const mac = '02:76:00:00:00:00';

test('a seed tells a guest its address, or to ask for one, or that it has no network', () => {
  assert.match(
    seed({ mac, address: '10.0.2.15/24' }),
    /mac_address: "02:76:00:00:00:00"\n.*\n {6}- type: static\n {8}address: 10.0.2.15\/24\n/,
  );
  const asking = seed({ mac });
  assert.match(asking, /- type: dhcp4\n/);
  assert.doesNotMatch(asking, /static/);
  assert.match(seed(undefined), /config: disabled/);
});
