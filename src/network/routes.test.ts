import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr } from './ipv4.ts';
import { parseNameServers, parseRoutes, routesInUse } from './routes.ts';

const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

test('parseRoutes() tells all ranges with a route that is up, but not the default route', () => {
  const table = [
    'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
    'ib0\t0000100A\t00000000\t0001\t0\t0\t0\t0000F0FF\t0\t0\t0',
    'tun0\t0100000A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0',
    'old\t0000A8C0\t00000000\t0000\t0\t0\t0\t00FFFFFF\t0\t0\t0',
    '',
  ];
  assert.deepEqual(parseRoutes(head + table.join('\n')).map(formatCidr), [
    '192.0.2.0/24',
    '10.16.0.0/12',
    '10.0.0.1/32',
  ]);
  assert.deepEqual(parseRoutes(''), []);
});

test('parseNameServers() tells their IPv4 addresses', () => {
  const text = '# nameserver 192.0.2.1\nsearch a.example\nnameserver 192.0.2.53 # first\n nameserver ::1\nnameserver\n';
  assert.deepEqual(parseNameServers(text).map(formatCidr), ['192.0.2.53/32']);
});

test('routesInUse() tells those of this machine', async () => {
  for (const route of await routesInUse()) assert.match(route, /^\d+\.\d+\.\d+\.\d+\/\d+$/);
});
