import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { attachAgent } from './agent.ts';
import { execPayload } from './exec-spec.ts';
import { encodeFrame, type Frame, FrameDecoder, headerSize, hostFrame, maxPayload } from './frame.ts';
import { callPayload, type GuestMessage, helloPayload, readGuestFrame } from './protocol.ts';
import {
  type AgentProcess,
  builtAgent,
  hasEnded,
  path as PATH,
  shell,
  spawnAgent,
  temporaryDirectory,
} from './testing.ts';
import { PayloadWriter } from './wire.ts';

let built: Awaited<ReturnType<typeof builtAgent>>;
before(async () => {
  built = await builtAgent({ sanitize: true });
});
after(() => built[Symbol.asyncDispose]());

/** Frames that nobody checks may do anything that their user may do, so he may do little. */
const uid = process.getuid?.() === 0 ? 65534 : undefined;
const start = (): AgentProcess => spawnAgent([built.path], { uid });
const env = { PATH };

/** Raw frames to an agent, and what it answers, one after the other. */
function raw({ port }: AgentProcess) {
  const nonce = randomBytes(16);
  const messages: GuestMessage[] = [];
  let wake = (): void => {};
  const decoder = new FrameDecoder(nonce, (frame: Frame) => messages.push(readGuestFrame(frame)));
  port.on('data', (bytes: Buffer) => {
    decoder.push(bytes);
    wake();
  });
  const send = (type: number, id: number, payload: Uint8Array = Buffer.alloc(0)): void => {
    port.write(Buffer.concat(encodeFrame(type, id, payload)));
  };
  const next = async (): Promise<GuestMessage> => {
    for (;;) {
      const message = messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const hello = async (reset = false): Promise<void> => {
    send(hostFrame.hello, 0, helloPayload(nonce, reset));
    while ((await next()).kind !== 'hello');
  };
  const error = async (id: number, errno: number): Promise<void> => {
    const message = await next();
    assert.ok(message.kind === 'error', `${message.kind} instead of an error`);
    assert.deepEqual([message.id, message.errno], [id, errno]);
  };
  return { port, send, next, hello, error };
}

const [EPERM, EEXIST, EBADMSG, EPROTO, EOPNOTSUPP, ENOBUFS] = [1, 17, 74, 71, 95, 105];

/** The agent has found nothing wrong with itself. */
async function endsWell(agent: AgentProcess): Promise<void> {
  agent.port.end();
  agent.port.resume();
  const { code, stderr } = await agent.ended;
  assert.equal(stderr, '');
  assert.equal(code, 0);
}

test('a frame of an unknown type or with an unreadable payload is answered and skipped', async () => {
  await using agent = start();
  const wire = raw(agent);
  await wire.hello();
  wire.send(0x77, 5, Buffer.from('what'));
  await wire.error(5, EOPNOTSUPP);
  for (const type of [hostFrame.credit, hostFrame.signal, hostFrame.resize]) {
    wire.send(type, 6, Buffer.from([1]));
    await wire.error(6, EBADMSG);
  }
  wire.send(hostFrame.signal, 6, new PayloadWriter().u32(65).done());
  await wire.error(6, EBADMSG);
  wire.send(hostFrame.call, 7, Buffer.from([0, 0, 9]));
  assert.deepEqual(await wire.next(), { kind: 'reply', id: 7, errno: EBADMSG, items: [Buffer.alloc(0)] });
  wire.send(hostFrame.exec, 8, Buffer.from([0]));
  assert.deepEqual(await wire.next(), { kind: 'failed', id: 8, errno: EBADMSG, step: 'decode' });
  await endsWell(agent);
});

test('a list that claims more than there is does no harm', async () => {
  await using agent = start();
  const wire = raw(agent);
  await wire.hello();
  const lists = [
    new PayloadWriter().u8(0).u16(65535).done(),
    new PayloadWriter().u8(0).u16(2).u32(4).bytes(Buffer.from('ping')).u32(0xffff_ffff).done(),
    new PayloadWriter().u8(0).u16(0).done(),
    new PayloadWriter().u8(0).u16(1).u32(4).bytes(Buffer.from('pingmore')).done(),
  ];
  for (const [id, payload] of lists.entries()) {
    wire.send(hostFrame.call, id, payload);
    const message = await wire.next();
    assert.ok(message.kind === 'reply');
    assert.deepEqual([message.id, message.errno], [id, EBADMSG]);
  }
  await endsWell(agent);
});

test('frames for a stream that is gone are ignored, a stream in use is refused', async () => {
  await using agent = start();
  const wire = raw(agent);
  await wire.hello();
  wire.send(hostFrame.stdin, 1, Buffer.from('x'));
  wire.send(hostFrame.signal, 1, new PayloadWriter().u32(9).done());
  wire.send(hostFrame.exec, 1, execPayload({ argv: ['cat'], env, stdin: 'data' }, 1000));
  assert.equal((await wire.next()).kind, 'started');
  wire.send(hostFrame.exec, 1, execPayload({ argv: ['cat'], env }, 1000));
  await wire.error(1, EEXIST);
  wire.send(hostFrame.stdin, 1);
  assert.deepEqual(
    [await wire.next(), await wire.next()].map(({ kind }) => kind),
    ['output', 'output'],
  );
  assert.deepEqual(await wire.next(), { kind: 'exit', id: 1, end: { code: 0 } });
  await endsWell(agent);
});

test('input beyond the credit ends the input', async () => {
  await using agent = start();
  const wire = raw(agent);
  await wire.hello();
  const argv = ['sh', '-c', 'kill -STOP $$; exec wc -c'];
  wire.send(hostFrame.exec, 1, execPayload({ argv, env, stdin: 'data' }, 1000));
  const message = await wire.next();
  assert.ok(message.kind === 'started');
  const frames = Math.ceil((2 * message.credit + (1 << 20)) / maxPayload);
  for (let i = 0; i < frames; i++) wire.send(hostFrame.stdin, 1, Buffer.alloc(maxPayload));
  for (;;) {
    const answer = await wire.next();
    if (answer.kind === 'credit') continue;
    assert.ok(answer.kind === 'error');
    assert.equal(answer.errno, ENOBUFS);
    break;
  }
  wire.send(hostFrame.signal, 1, new PayloadWriter().u32(9).done());
  await endsWell(agent);
});

test('after a length that cannot be, the agent finds its place at the next HELLO, and programs go on', async () => {
  await using agent = start();
  const wire = raw(agent);
  await wire.hello();
  wire.send(hostFrame.exec, 1, execPayload({ argv: ['cat'], env, stdin: 'data' }, 1000));
  assert.equal((await wire.next()).kind, 'started');
  wire.port.write(Buffer.concat([Buffer.from([0, 1, 0, 1]), randomBytes(300_000)]));
  await wire.error(0, EPROTO);
  await wire.hello();
  wire.send(hostFrame.stdin, 1, Buffer.from('still there'));
  const message = await wire.next();
  assert.equal(message.kind === 'output' && message.bytes.toString(), 'still there');
  await endsWell(agent);
});

test('a HELLO of another protocol is refused', async () => {
  await using agent = start();
  const wire = raw(agent);
  await wire.hello();
  wire.send(hostFrame.hello, 0, Buffer.alloc(36));
  await wire.error(0, EPROTO);
  await wire.hello();
  await endsWell(agent);
});

test('a host that comes after one that stopped in the middle of a frame is understood', async () => {
  for (const left of [1, headerSize, headerSize + 10, headerSize + maxPayload - 1]) {
    await using spawned = start();
    const half = Buffer.concat(encodeFrame(hostFrame.part, 3, Buffer.alloc(maxPayload))).subarray(0, left);
    spawned.port.write(half);
    const agent = attachAgent(spawned.port, { resync: true });
    await agent.hello(AbortSignal.timeout(20_000));
    assert.equal(await shell(agent, 'echo hello'), 'hello\n');
    agent.close();
  }
});

test('HELLO with reset ends programs and waiting calls of the former session without a word', async () => {
  await using agent = start();
  const wire = raw(agent);
  await wire.hello();
  wire.send(hostFrame.exec, 1, execPayload({ argv: ['sh', '-c', 'echo $$; exec cat'], env, stdin: 'data' }, 1000));
  assert.equal((await wire.next()).kind, 'started');
  const output = await wire.next();
  assert.ok(output.kind === 'output');
  wire.send(hostFrame.call, 2, callPayload('net', ['nosuch0', '', '', '', '0', '60000'], false));
  await wire.hello(true);
  wire.send(hostFrame.call, 3, callPayload('ping', ['after'], false));
  assert.deepEqual(await wire.next(), { kind: 'reply', id: 3, errno: 0, items: [Buffer.from('after')] });
  const pid = Number(output.bytes.toString());
  const script = `while [ -d /proc/${pid} ]; do :; done; echo gone`;
  wire.send(hostFrame.exec, 1, execPayload({ argv: ['sh', '-c', script], env }, 1000));
  assert.equal((await wire.next()).kind, 'started');
  const gone = await wire.next();
  assert.equal(gone.kind === 'output' && gone.bytes.toString(), 'gone\n');
  await endsWell(agent);
});

test('the end of the stream ends the agent and its programs', async () => {
  await using spawned = start();
  const agent = attachAgent(spawned.port);
  await agent.hello(AbortSignal.timeout(20_000));
  const program = agent.exec({ argv: ['sh', '-c', 'echo $$; while :; do :; done'], env });
  const [pid] = await once(program.stdout, 'data');
  agent.close();
  assert.deepEqual(await spawned.ended, { code: 0, stderr: '' });
  await hasEnded(Number(pid));
});

test('a host that sends and never reads makes the agent wait, not grow', async () => {
  await using agent = start();
  const wire = raw(agent);
  await wire.hello();
  agent.port.pause();
  const ping = Buffer.concat(encodeFrame(hostFrame.call, 1, callPayload('ping', [Buffer.alloc(50_000)], false)));
  for (let i = 0; i < 200; i++) agent.port.write(ping);
  agent.port.resume();
  for (let i = 0; i < 200; i++) assert.equal((await wire.next()).kind, 'reply');
  await endsWell(agent);
});

test('no frames, right, wrong or damaged, end the agent or make it do what it must not', async () => {
  await using dir = await temporaryDirectory();
  await chmod(dir.path, 0o777);
  // However these paths are damaged, they name nothing outside the directory that its user could make.
  const below = '/proc/self/cwd';
  const exec = (spec: Partial<Parameters<typeof execPayload>[0]>): Buffer =>
    execPayload({ argv: ['/bin/true', 'a', 'b'], env, ...spec }, 5000);
  const call = (...[name = '', ...args]: (string | Uint8Array)[]): Buffer => callPayload(String(name), args, false);
  const good: [number, Buffer][] = [
    [hostFrame.hello, helloPayload(randomBytes(16), true)],
    [hostFrame.hello, helloPayload(randomBytes(16), false)],
    [hostFrame.exec, exec({})],
    [hostFrame.exec, exec({ argv: ['/bin/cat'], stdin: 'data', groups: [1, 2, 3] })],
    [hostFrame.exec, exec({ argv: ['/bin/cat'], tty: { columns: 80, rows: 24 } })],
    [hostFrame.exec, exec({ argv: ['/bin/ls', '/'], limits: [{ resource: 'core', soft: 0, hard: 'unlimited' }] })],
    [hostFrame.exec, exec({ argv: ['/usr/bin/head', '-c', '100000', '/dev/zero'] })],
    [hostFrame.stdin, Buffer.from('some input\n')],
    [hostFrame.stdin, Buffer.alloc(0)],
    [hostFrame.credit, new PayloadWriter().u8(1).u32(3000).done()],
    [hostFrame.credit, new PayloadWriter().u8(2).u32(0xffff_ffff).done()],
    [hostFrame.signal, new PayloadWriter().u32(9).done()],
    [hostFrame.resize, new PayloadWriter().u16(10).u16(20).done()],
    [hostFrame.part, Buffer.from([0, 0, 80])],
    [hostFrame.part, randomBytes(60_000)],
    [hostFrame.call, call('ping', 'a', Buffer.from([0, 1]))],
    [hostFrame.call, call('modules', 'nosuch')],
    [hostFrame.call, call('mkdir', `${below}/a/b`, '755', '0', '0')],
    [hostFrame.call, call('mount', 'a', `${below}/b`, 'nosuchfs', '0', '', '5')],
    [hostFrame.call, call('umount', `${below}/b`, '0')],
    [hostFrame.call, call('root')],
    [hostFrame.call, call('file', `${below}/f`, '644', '0', '0', '3', Buffer.from('x'))],
    [hostFrame.call, call('read', '/etc/passwd', '0', '60000')],
    [hostFrame.call, call('hostname', 'a')],
    [hostFrame.call, call('net', 'nosuch0', '10.0.0.1/24', '10.0.0.2', '52:54:00:00:00:01', '1500', '3')],
    [hostFrame.call, call('clock', '1')],
    [hostFrame.call, call('reseed', randomBytes(32))],
    [hostFrame.call, call('terminate', '1')],
    [hostFrame.call, call('poweroff')],
    [hostFrame.call, call('sync')],
  ];
  const frame = fc
    .record({
      base: fc.constantFrom(...good),
      id: fc.nat({ max: 5 }),
      edits: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      cut: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 40 }) }),
      kind: fc.oneof(
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
        { weight: 9, arbitrary: fc.constant(-1) },
      ),
    })
    .map(({ base: [type, payload], id, edits, cut, kind }) => {
      const body = Buffer.from(payload.subarray(0, Math.max(0, payload.length - cut)));
      for (const [at, byte] of edits) if (body.length > 0) body[at % body.length] = byte;
      return Buffer.concat(encodeFrame(kind < 0 ? type : kind, id, body));
    });
  const noise = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes));
  const stream = fc.array(fc.oneof({ weight: 60, arbitrary: frame }, { weight: 1, arbitrary: noise }), {
    minLength: 200,
    maxLength: 200,
    size: 'max',
  });
  await fc.assert(
    fc.asyncProperty(stream, async (pieces) => {
      await using spawned = spawnAgent([built.path], { uid, cwd: dir.path });
      spawned.port.on('error', () => {});
      spawned.port.resume();
      for (const piece of pieces) spawned.port.write(piece);
      const agent = attachAgent(spawned.port, { resync: true });
      await agent.hello(AbortSignal.timeout(30_000));
      assert.equal(await shell(agent, 'echo alive'), 'alive\n');
      agent.close();
      assert.deepEqual(await spawned.ended, { code: 0, stderr: '' });
    }),
    { numRuns: 25, endOnFailure: true, interruptAfterTimeLimit: 120_000 },
  );
});

test('the agent answers nothing but EPERM when it is told to change a root that is not its own', async () => {
  await using agent = start();
  const wire = raw(agent);
  await wire.hello();
  wire.send(hostFrame.call, 1, callPayload('root', [], false));
  const message = await wire.next();
  assert.equal(message.kind === 'reply' && message.errno, EPERM);
  await endsWell(agent);
});
