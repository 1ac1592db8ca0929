import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolverFile } from './resolver-file.ts';

const node = '# made by dhcp\nnameserver 192.0.2.1\nsearch node.example\noptions ndots:2\n';

test("resolverFile() asks the node and keeps the node's domains and options", () => {
  assert.equal(
    resolverFile(node, '10.0.2.3', { nameServers: [], search: [] }),
    'nameserver 10.0.2.3\nsearch node.example\noptions ndots:2\n',
  );
});

test("resolverFile() puts the site's servers and domains in their place", () => {
  assert.equal(
    resolverFile(node, '10.0.2.3', { nameServers: ['10.1.1.1', '10.1.1.2'], search: ['a.example', 'b.example'] }),
    'nameserver 10.1.1.1\nnameserver 10.1.1.2\nsearch a.example b.example\noptions ndots:2\n',
  );
});

test('resolverFile() names no server that the guest does not reach', () => {
  assert.match(resolverFile(node, undefined, { nameServers: [], search: [] }), /^search/);
});
