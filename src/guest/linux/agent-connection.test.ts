import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import type { GuestAgent } from './agent.ts';
import { builtAgent, freePort, runningAgent, shell } from './testing.ts';

let built: Awaited<ReturnType<typeof builtAgent>>;
before(async () => {
  built = await builtAgent({ sanitize: true });
});
after(() => built[Symbol.asyncDispose]());

const start = () => runningAgent([built.path]);

async function listening(agent: GuestAgent): Promise<number> {
  const port = await freePort();
  await agent.listen(port);
  return port;
}

/** Its own half stays open when the other side has ended. */
async function client(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

test('a connection carries bytes both ways, and each way ends on its own', async () => {
  await using guest = await start();
  const port = await listening(guest.agent);
  const connection = guest.agent.accept();
  const socket = await client(port);
  await connection.started;
  const [up, down] = [randomBytes(3_000_000), randomBytes(3_000_000)];
  socket.end(up);
  assert.ok((await buffer(connection.stdout)).equals(up));
  connection.stdin.end(down);
  assert.ok((await buffer(socket)).equals(down));
  assert.deepEqual(await connection.exit, { code: 0 });
});

test('many connections at once are kept apart, also those that come before anybody accepts them', async () => {
  await using guest = await start();
  const port = await listening(guest.agent);
  const sockets = await Promise.all(Array.from({ length: 40 }, () => client(port)));
  const echoes = sockets.map(async () => {
    const connection = guest.agent.accept();
    connection.stdout.pipe(connection.stdin);
    return connection.exit;
  });
  const answers = await Promise.all(
    sockets.map((socket, index) => {
      socket.end(`${index} `.repeat(20_000));
      return text(socket);
    }),
  );
  for (const [index, answer] of answers.entries()) assert.equal(answer, `${index} `.repeat(20_000));
  for (const end of await Promise.all(echoes)) assert.deepEqual(end, { code: 0 });
});

test('who does not read slows down only the other end of his connection', async () => {
  await using guest = await start();
  const port = await listening(guest.agent);
  const connection = guest.agent.accept(65_536);
  const socket = await client(port);
  await connection.started;
  const flood = Buffer.alloc(64 * 1024 ** 2);
  let all = false;
  socket.end(flood, () => {
    all = true;
  });
  for (let i = 0; i < 20; i++) await guest.agent.ping();
  assert.equal(await shell(guest.agent, 'echo others go on'), 'others go on\n');
  assert.equal(all, false);
  assert.equal((await buffer(connection.stdout)).length, flood.length);
  connection.stdin.end();
  await connection.exit;
});

test('a connection that is broken off ends for both', async () => {
  await using guest = await start();
  const port = await listening(guest.agent);
  const connection = guest.agent.accept();
  const socket = await client(port);
  await connection.started;
  socket.on('error', () => {});
  socket.write(Buffer.alloc(5_000_000));
  const closed = once(socket, 'end').catch(() => {});
  socket.resume();
  connection.abort();
  await Promise.all([closed, connection.exit]);
  socket.destroy();

  const other = guest.agent.accept();
  const peer = await client(port);
  await other.started;
  peer.resetAndDestroy();
  other.stdin.write(Buffer.alloc(5_000_000));
  other.stdout.resume();
  await once(other.stdout, 'end');
  other.stdin.end();
  assert.deepEqual(await other.exit, { code: 0 });
});

test('listening elsewhere or nowhere ends the waiting for connections', async () => {
  await using guest = await start();
  const port = await listening(guest.agent);
  const waiting = [guest.agent.accept(), guest.agent.accept()];
  await guest.agent.listen(0);
  for (const { exit } of waiting) await assert.rejects(exit, { code: 'E_GUEST_EXEC', message: /accept: .*ECANCELED/ });
  await assert.rejects(client(port), { code: 'ECONNREFUSED' });
  await assert.rejects(guest.agent.accept().exit, { code: 'E_GUEST_EXEC' });
});

test('a port that is taken, or none, is refused', async () => {
  await using guest = await start();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await assert.rejects(guest.agent.listen(port), { code: 'E_GUEST_CALL', errno: 'EADDRINUSE' });
  await assert.rejects(guest.agent.listen(70_000), { code: 'E_GUEST_CALL', errno: 'EINVAL' });
  server.close();
});

test('connections do not keep the end of all programs waiting, and end with it', async () => {
  await using guest = await start();
  const port = await listening(guest.agent);
  const connection = guest.agent.accept();
  const socket = await client(port);
  await connection.started;
  const closed = once(socket.resume(), 'end');
  guest.agent.accept();
  await guest.agent.terminate(60_000);
  await closed;
  socket.destroy();
});

test('an agent whose host goes away takes no more connections, and ends those that are there', async () => {
  await using guest = await start();
  const port = await listening(guest.agent);
  const connection = guest.agent.accept();
  const socket = await client(port);
  await connection.started;
  const closed = new Promise((resolve) => socket.resume().once('close', resolve));
  // How it ends, orderly or broken off, depends on what was under way.
  socket.on('error', () => {});
  socket.end();
  guest.agent.close();
  await closed;
  assert.deepEqual(await guest.ended, { code: 0, stderr: '' });
  await assert.rejects(client(port), { code: 'ECONNREFUSED' });
});
