import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { within } from '../base/index.ts';
import { macOf } from './addresses.ts';
import { startTrunk, type Trunk } from './trunk.ts';
import { FrameCutter, VNET_BYTES } from './trunk-frame.ts';
import { listenForTrunks, type TrunkListener, type TrunkSecret } from './trunk-listener.ts';
import type { TrunkTimes } from './trunk-peer.ts';

const subnet = { base: 0xac1f0000, prefix: 24 };
const ours: TrunkSecret = { secret: 'of the job', scope: ['torque', '7.head', '1'] };

/** A frame of a VM, with a number as its content. */
function frame(from: number, to: number, content: number, size = 60): Buffer {
  const bytes = Buffer.alloc(4 + VNET_BYTES + 14 + size);
  bytes.writeUInt32BE(bytes.length - 4);
  Buffer.from(macOf(to).replaceAll(':', ''), 'hex').copy(bytes, 4 + VNET_BYTES);
  Buffer.from(macOf(from).replaceAll(':', ''), 'hex').copy(bytes, 4 + VNET_BYTES + 6);
  bytes.writeUInt16BE(0x0800, 4 + VNET_BYTES + 12);
  bytes.writeUInt32BE(content, 4 + VNET_BYTES + 14);
  return bytes;
}

/** A node whose VM has the node's number as its rank. */
class Node implements AsyncDisposable {
  readonly tap: Duplex;
  readonly listener: TrunkListener;
  readonly node: number;
  /** Contents of the frames that entered its bridge. */
  readonly entered: number[] = [];
  #trunk: Disposable | undefined;
  #wake = Promise.withResolvers<void>();

  private constructor(node: number, listener: TrunkListener) {
    this.node = node;
    this.listener = listener;
    const cutter = new FrameCutter();
    this.tap = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _, done) => {
        for (const pieces of cutter.cut(chunk)) {
          this.entered.push(Buffer.concat(pieces).readUInt32BE(4 + VNET_BYTES + 14));
        }
        this.#wake.resolve();
        done();
      },
    });
  }

  static async listening(node: number, secret = ours): Promise<Node> {
    return new Node(node, await listenForTrunks(secret, { host: '127.0.0.1', here: node }));
  }

  join(all: readonly Node[], secret = ours, times?: TrunkTimes): Trunk {
    const peers = all
      .filter((each) => each !== this)
      .map(({ node, listener }) => ({ node, ranks: [node], hosts: ['127.0.0.1'], port: listener.port }));
    const nodeOf = (rank: number): number | undefined => (rank < all.length ? rank : undefined);
    const table = { subnet, here: this.node, nodeOf };
    const timesOr = times === undefined ? {} : { times };
    const trunk = startTrunk({ tap: this.tap, table, peers, listener: this.listener, secret, ...timesOr });
    this.#trunk = trunk;
    return trunk;
  }

  send(to: number, content: number, size?: number): void {
    this.tap.push(frame(this.node, to, content, size));
  }

  async gets(content: number): Promise<void> {
    const late = (): Error => new Error(`frame ${content} did not arrive`);
    while (!this.entered.includes(content)) {
      await within(this.#wake.promise, { ms: 60_000, late });
      this.#wake = Promise.withResolvers();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#trunk?.[Symbol.dispose]();
    await this.listener[Symbol.asyncDispose]();
  }
}

test('frames reach the node of the VM they are for, in order, and nobody else', async () => {
  await using a = await Node.listening(0);
  await using b = await Node.listening(1);
  await using c = await Node.listening(2);
  for (const node of [a, b, c]) node.join([a, b, c]);
  for (let content = 0; content < 500; content++) a.send(1, content, content % 3 === 0 ? 60_000 : 60);
  await b.gets(499);
  // Those before the connection was there may be lost, as in any network; what arrives is in order.
  assert.deepEqual(
    b.entered,
    b.entered.toSorted((one, other) => one - other),
  );
  b.send(0, 1000);
  c.send(0, 1001);
  await Promise.all([a.gets(1000), a.gets(1001)]);
  assert.deepEqual(c.entered, []);
});

test('no node connects to another before it has a frame for it', async () => {
  await using a = await Node.listening(0);
  await using b = await Node.listening(1);
  await using c = await Node.listening(2);
  const asked: string[] = [];
  const taken = (node: Node): void => {
    const { deliverTo } = node.listener;
    node.listener.deliverTo = (take) =>
      deliverTo((from, socket) => {
        asked.push(`${from} to ${node.node}`);
        take(from, socket);
      });
  };
  for (const node of [a, b, c]) taken(node);
  for (const node of [a, b, c]) node.join([a, b, c]);
  a.send(1, 1);
  await b.gets(1);
  b.send(0, 2);
  await a.gets(2);
  assert.deepEqual(asked, ['0 to 1']);
});

for (const [who, secret] of [
  ['another job', { ...ours, secret: 'of another job' }],
  ['an earlier run of the job', { ...ours, scope: ['torque', '7.head', '0'] }],
] as const) {
  test(`frames of ${who} do not enter`, async () => {
    await using a = await Node.listening(0, secret);
    await using b = await Node.listening(1);
    await using c = await Node.listening(2);
    a.join([a, b, c], secret);
    for (const node of [b, c]) node.join([a, b, c]);
    a.send(1, 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    a.send(1, 2);
    c.send(1, 3);
    await b.gets(3);
    assert.deepEqual(b.entered, [3]);
  });
}

test('a connection on which comes what is no frame ends, and the next one is good again', async () => {
  await using a = await Node.listening(0);
  await using b = await Node.listening(1);
  const sockets: { write(bytes: Buffer): unknown; once(event: 'close', listener: () => void): unknown }[] = [];
  const { deliverTo } = a.listener;
  a.listener.deliverTo = (take) =>
    deliverTo((node, socket) => {
      sockets.push(socket);
      take(node, socket);
    });
  for (const node of [a, b]) node.join([a, b]);
  b.send(0, 1);
  await a.gets(1);
  const [socket] = sockets;
  assert.ok(socket);
  const closed = once(socket as never, 'close');
  socket.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await closed;
  b.send(0, 2);
  await a.gets(2);
});

test('a node that cannot be reached for long is told, with what its addresses answered', async () => {
  await using a = await Node.listening(0);
  const b = await Node.listening(1);
  const { lost } = a.join([a, b], ours, { againMs: 1, giveUpMs: 100 });
  await b[Symbol.asyncDispose]();
  const sending = setInterval(() => a.send(1, 1), 5);
  try {
    const { code, message, details } = await lost;
    assert.equal(code, 'E_NETWORK_TRUNK');
    assert.match(message, /node 1 was not reached at port \d+ for 0\.1 s$/);
    assert.match(details.join(), /^127\.0\.0\.1: .*ECONNREFUSED/);
  } finally {
    clearInterval(sending);
  }
});

test('a node that takes nothing makes the senders drop frames, not keep them', async () => {
  await using a = await Node.listening(0);
  await using b = await Node.listening(1);
  let release = (): void => {};
  const write = b.tap._write.bind(b.tap);
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  b.tap._write = (chunk, encoding, done) => void held.then(() => write(chunk, encoding, done));
  for (const node of [a, b]) node.join([a, b]);
  const before = process.memoryUsage.rss();
  for (let batch = 0; batch < 200; batch++) {
    for (let at = 0; at < 100; at++) a.send(1, batch * 100 + at, 60_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // 1.2 GB were sent.
  assert.ok(process.memoryUsage.rss() - before < 400e6);
  release();
  // While it catches up, frames are dropped still.
  const sending = setInterval(() => a.send(1, 77_777), 20);
  await b.gets(77_777).finally(() => clearInterval(sending));
});
