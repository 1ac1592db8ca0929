import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planVms } from '../../plan/index.ts';
import { hostsFile } from './hosts-file.ts';

const vms = planVms({ img: 'host', vcpus: 1, ram: 1024 ** 3 }, [{ host: 'n1' }, { host: 'n2' }]);
const [first, second] = vms;

test('every guest of a job knows all by their names, itself by the address that others have for it', () => {
  const subnet = { base: 0x0a_fe_00_00, prefix: 24 };
  assert.ok(second);
  assert.equal(
    hostsFile(second, vms, subnet, '10.1.1.1 server\n'),
    '127.0.0.1\tlocalhost\n10.254.0.16\tvn1-1\n10.254.0.17\tvn2-1\n::1\tlocalhost ip6-localhost ip6-loopback\n10.1.1.1 server\n',
  );
});

test('a guest without a network of the job knows itself', () => {
  assert.ok(first);
  assert.match(hostsFile(first, vms, undefined, ''), /^127\.0\.0\.1\tlocalhost\n127\.0\.1\.1\tvn1-1\n::1/);
});
