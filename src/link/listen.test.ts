import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { listenForPeers } from './listen.ts';

const hello = '\x16\x03\x01\x00\xff';

for (const [who, said] of [
  ['says nothing', ''],
  ['stops in its first message', hello],
] as const) {
  test(`a stranger that ${who} is sent away`, { timeout: 60_000 }, async () => {
    const connections: string[] = [];
    await using listener = await listenForPeers({
      host: '127.0.0.1',
      keyOf: () => undefined,
      onConnection: (_socket, identity) => connections.push(identity),
      handshakeMs: 50,
    });
    const stranger = connect(listener.port, '127.0.0.1').resume();
    stranger.on('error', () => {});
    stranger.write(said);
    await once(stranger, 'close');
    assert.deepEqual(connections, []);
  });
}
