import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, createServer } from 'node:net';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { type LinkKey, listenForPeers } from '../../link/index.ts';
import { Channel } from './channel.ts';
import { connectToLauncher } from './connect.ts';
import { linkKey } from './keys.ts';
import { type FromNode, readFromNode, readToNode, type ToNode } from './messages.ts';

const job = {
  engine: 'embedded',
  jobId: '7[1].head',
  attempt: '1',
  secret: 'C35806D2453B9F3EA2BF8B3D103A0BD2',
} as const;
const place = (port: number) => ({ hosts: ['127.0.0.1'], port });

/** A launcher that knows one node, and what came to it. */
async function aLauncher(known: LinkKey = linkKey(job, 1)) {
  const connections: TLSSocket[] = [];
  const arrived = Promise.withResolvers<TLSSocket>();
  const listener = await listenForPeers({
    host: '127.0.0.1',
    keyOf: (identity) => (identity === known.identity ? known.key : undefined),
    onConnection: (socket) => {
      connections.push(socket);
      arrived.resolve(socket);
    },
  });
  return { ...listener, connections, arrived: arrived.promise };
}

test('a node that knows the secret of the job is heard, and hears', async () => {
  await using launcher = await aLauncher();
  const node = new Channel<FromNode, ToNode>(
    await connectToLauncher(place(launcher.port), linkKey(job, 1)),
    readToNode,
  );
  const here = new Channel<ToNode, FromNode>(await launcher.arrived, readFromNode);
  const heard = new Promise((resolve) => here.deliverTo(resolve));
  const answered = new Promise((resolve) => node.deliverTo(resolve));
  node.send({ type: 'ready', vms: ['vn2-1'] });
  here.send({ type: 'go' });
  assert.deepEqual([await heard, await answered], [{ type: 'ready', vms: ['vn2-1'] }, { type: 'go' }]);
  here[Symbol.dispose]();
  assert.match(await node.closed, /closed|broke/);
});

for (const [who, stranger] of [
  ['another secret', linkKey({ ...job, secret: 'guessed' }, 1)],
  ['an earlier run of the job', linkKey({ ...job, attempt: '0' }, 1)],
  ['another job', linkKey({ ...job, jobId: '7[2].head' }, 1)],
  ['another node', { ...linkKey(job, 2), identity: linkKey(job, 1).identity }],
  ['a node that is not in the job', linkKey(job, 2)],
] as const) {
  test(`who has the key of ${who} gets no connection and learns nothing`, async () => {
    await using launcher = await aLauncher();
    const answers: string[] = [];
    await assert.rejects(
      connectToLauncher(place(launcher.port), stranger),
      (error: { code: string; details: string[] }) => {
        answers.push(...error.details);
        return error.code === 'E_NODE_CONNECT';
      },
    );
    assert.match(answers.join(), /bad record mac/i);
    assert.deepEqual(launcher.connections, []);
  });
}

test('a launcher that does not know the secret is not believed', async () => {
  await using launcher = await aLauncher({ ...linkKey(job, 1), key: linkKey({ ...job, secret: 'guessed' }, 1).key });
  await assert.rejects(connectToLauncher(place(launcher.port), linkKey(job, 1)), { code: 'E_NODE_CONNECT' });
});

test('what was recorded of a connection opens no further one', async () => {
  await using launcher = await aLauncher();
  const recorded: Buffer[] = [];
  // In the middle: it passes everything on, and keeps what the node said.
  const middle = createServer((from) => {
    const to = connectPlain(launcher.port, '127.0.0.1');
    from.on('data', (chunk) => recorded.push(chunk));
    from.pipe(to).pipe(from);
    for (const socket of [from, to]) socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(middle, 'listening');
  const { port } = middle.address() as { port: number };
  const node = new Channel<FromNode, ToNode>(await connectToLauncher(place(port), linkKey(job, 1)), readToNode);
  const here = new Channel<ToNode, FromNode>(await launcher.arrived, readFromNode);
  const heard = new Promise((resolve) => here.deliverTo(resolve));
  node.send({ type: 'ready', vms: ['vn2-1'] });
  await heard;
  const text = Buffer.concat(recorded).toString('latin1');
  for (const secret of [job.secret, 'ready', linkKey(job, 1).key.toString('latin1')]) assert.ok(!text.includes(secret));

  const replay = connectPlain(launcher.port, '127.0.0.1');
  replay.on('error', () => {});
  replay.write(Buffer.concat(recorded));
  replay.resume();
  await once(replay, 'close');
  assert.equal(launcher.connections.length, 1);
  node[Symbol.dispose]();
  await here.closed;
  middle.close();
});

test('an address at which nobody listens is passed over', async () => {
  await using launcher = await aLauncher();
  const { port } = launcher;
  const socket = await connectToLauncher({ hosts: ['127.0.0.2', '::1', '127.0.0.1'], port }, linkKey(job, 1));
  assert.equal(socket.authorized, true);
  socket.destroy();
});

test('a side that is silent is given up, one that has nothing to say but is there is not', async () => {
  await using launcher = await aLauncher();
  const socket = await connectToLauncher(place(launcher.port), linkKey(job, 1));
  socket.resume();
  const beats = { silentMs: 60_000, beatMs: 10 };
  const here = new Channel<ToNode, FromNode>(await launcher.arrived, readFromNode, { silentMs: 300, beatMs: 60_000 });
  const talking = new Channel<FromNode, ToNode>(socket, readToNode, beats);
  const first = await Promise.race([here.closed, new Promise((resolve) => setTimeout(resolve, 900, 'still there'))]);
  assert.equal(first, 'still there');
  talking[Symbol.dispose]();
  await here.closed;

  await using other = await aLauncher();
  const mute = await connectToLauncher(place(other.port), linkKey(job, 1));
  mute.resume();
  mute.on('error', () => {});
  const waiting = new Channel<ToNode, FromNode>(await other.arrived, readFromNode, { silentMs: 50, beatMs: 60_000 });
  assert.equal(await waiting.closed, 'nothing was heard from there for 0.05 s');
});

test('a side that was suspended itself does not take the other for silent', async () => {
  await using launcher = await aLauncher();
  const socket = await connectToLauncher(place(launcher.port), linkKey(job, 1));
  const times = { silentMs: 300, beatMs: 50 };
  const node = new Channel<FromNode, ToNode>(socket, readToNode, { ...times, silentMs: 60_000 });
  const here = new Channel<ToNode, FromNode>(await launcher.arrived, readFromNode, times);
  // As a stopped process: no timer fires, nothing is read.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
  const next = new Promise((resolve) => here.deliverTo(resolve));
  node.send({ type: 'ended' });
  assert.deepEqual(await Promise.race([next, here.closed]), { type: 'ended' });
  node[Symbol.dispose]();
  await here.closed;
});
