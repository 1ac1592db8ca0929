import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { builtAgent, path as PATH, run, runningAgent, shell, temporaryDirectory } from './testing.ts';

let built: Awaited<ReturnType<typeof builtAgent>>;
before(async () => {
  built = await builtAgent();
});
after(() => built[Symbol.asyncDispose]());

const start = () => runningAgent([built.path]);
const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root can become another user' };
const env = { PATH };

test('the agent says which kernel it runs on', async () => {
  await using guest = await start();
  const hello = await guest.agent.hello();
  assert.equal(hello.kernelRelease, release());
  assert.ok(hello.bootSeconds > 0);
  assert.equal(hello.capabilities.includes('init'), false);
});

test('the clock is told, and a correction that is no small one refused', async () => {
  await using guest = await start();
  const before = Date.now();
  const { nanoseconds } = await guest.agent.readClock();
  const ms = Number(nanoseconds / 1_000_000n);
  assert.ok(before <= ms && ms <= Date.now(), `${nanoseconds}`);
  for (const microseconds of [500_001, -500_001, Number.NaN]) {
    await assert.rejects(guest.agent.slewClock(microseconds), { errno: 'EINVAL', message: /at most half a second/ });
  }
});

test('a program ends with its exit code or its signal', async () => {
  await using guest = await start();
  for (const code of [0, 3, 139, 255]) {
    assert.deepEqual((await run(guest.agent, ['sh', '-c', `exit ${code}`])).end, { code });
  }
  assert.deepEqual((await run(guest.agent, ['sh', '-c', 'kill -SEGV $$'])).end, { signal: 11 });
});

test('standard output and standard error arrive apart', async () => {
  await using guest = await start();
  const { stdout, stderr } = await run(guest.agent, ['sh', '-c', 'echo out; echo err >&2; echo out2']);
  assert.equal(stdout.toString(), 'out\nout2\n');
  assert.equal(stderr.toString(), 'err\n');
});

test('a program gets its argv[0], directory, environment, umask and limits, and nothing else', async () => {
  await using guest = await start();
  const { stdout } = await run(
    guest.agent,
    ['-sh', '-c', 'echo "$0"; pwd; umask; ulimit -c; ulimit -n; tr "\\0" "\\n" < /proc/$$/environ'],
    {
      program: '/bin/sh',
      cwd: '/usr',
      umask: 0o027,
      env: { ONLY: 'a "b"\n c', PATH },
      limits: [
        { resource: 'core', soft: 0, hard: 0 },
        { resource: 'nofile', soft: 99, hard: 100 },
      ],
    },
  );
  assert.equal(stdout.toString(), `-sh\n/usr\n0027\n0\n99\nONLY=a "b"\n c\nPATH=${PATH}\n`);
});

test('a program starts in a session of its own, with default signals and no other descriptors', async () => {
  await using guest = await start();
  assert.equal(await shell(guest.agent, 'test "$(cut -d" " -f6 /proc/$$/stat)" = $$ && echo leads'), 'leads\n');
  const { stdout } = await run(guest.agent, ['grep', '-E', 'Sig(Ign|Blk)', '/proc/self/status']);
  assert.equal(stdout.toString(), 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
  // The last one is the directory that ls itself reads.
  assert.equal((await run(guest.agent, ['ls', '/proc/self/fd'])).stdout.toString(), '0\n1\n2\n3\n');
});

test('200 MB of output arrive complete and unaltered', async () => {
  await using guest = await start();
  const program = guest.agent.exec({ argv: ['sh', '-c', 'yes 0123456789abcdef | head -c 200000000'], env });
  const digest = createHash('sha256');
  let size = 0;
  for await (const chunk of program.stdout) {
    digest.update(chunk);
    size += chunk.length;
  }
  const expected = Buffer.alloc(200_000_000, '0123456789abcdef\n');
  assert.equal(size, expected.length);
  assert.equal(digest.digest('hex'), createHash('sha256').update(expected).digest('hex'));
  assert.deepEqual(await program.exit, { code: 0 });
});

test('binary data goes through standard input and back', async () => {
  await using guest = await start();
  const data = randomBytes(20_000_000);
  const program = guest.agent.exec({ argv: ['cat'], env, stdin: 'data' });
  program.stdin.end(data);
  assert.ok((await buffer(program.stdout)).equals(data));
  assert.deepEqual(await program.exit, { code: 0 });
});

test('without input a program reads end of file', async () => {
  await using guest = await start();
  assert.deepEqual((await run(guest.agent, ['cat'])).end, { code: 0 });
  const program = guest.agent.exec({ argv: ['wc', '-c'], env, stdin: 'data' });
  program.stdin.end();
  assert.equal(await text(program.stdout), '0\n');
});

test('input for a program that does not read it holds nothing up', async () => {
  await using guest = await start();
  const program = guest.agent.exec({ argv: ['true'], env, stdin: 'data' });
  program.stdin.write(Buffer.alloc(5_000_000));
  assert.deepEqual(await program.exit, { code: 0 });
});

test('a terminal has a size, which can be changed, and takes input', async () => {
  await using guest = await start();
  const script = 'tty -s && stty -echo && stty size && read x && stty size && echo "got $x"; echo err >&2';
  const program = guest.agent.exec({ argv: ['sh', '-c', script], env, tty: { columns: 100, rows: 40 } });
  program.stdout.once('data', () => {
    program.resize(77, 11);
    program.stdin.write('hello\n');
  });
  program.stdout.setEncoding('utf8');
  let output = '';
  program.stdout.on('data', (chunk) => {
    output += chunk;
  });
  assert.deepEqual(await program.exit, { code: 0 });
  assert.equal(output, '40 100\r\n11 77\r\ngot hello\r\nerr\r\n');
});

test('a terminal passes on what was printed just before the end', async () => {
  await using guest = await start();
  const { stdout } = await run(guest.agent, ['seq', '20000'], { tty: { columns: 80, rows: 24 } });
  assert.equal(stdout.toString().trimEnd().split('\r\n').length, 20_000);
});

test('many programs run at once, each with its own output', async () => {
  await using guest = await start();
  const runs = Array.from({ length: 100 }, (_, n) => shell(guest.agent, `seq ${n} ${n + 2000}; exit 0`));
  for (const [n, output] of (await Promise.all(runs)).entries()) {
    assert.equal(output.split('\n').length, 2002);
    assert.ok(output.startsWith(`${n}\n`) && output.endsWith(`\n${n + 2000}\n`));
  }
});

test('more programs than there is room for are refused, and there is room again later', async () => {
  await using guest = await start();
  const programs = Array.from({ length: 257 }, () => guest.agent.exec({ argv: ['cat'], env, stdin: 'data' }));
  await assert.rejects(programs[256]?.exit ?? Promise.resolve(), { code: 'E_GUEST_EXEC', message: /limits.*EAGAIN/ });
  for (const program of programs) program.stdin.end();
  await Promise.all(programs.slice(0, 256).map(({ exit }) => exit));
  assert.equal(await shell(guest.agent, 'echo again'), 'again\n');
});

test('a reader who stalls holds up his own program only', async () => {
  await using guest = await start();
  const stalled = guest.agent.exec({ argv: ['yes'], env, window: 1 << 17 });
  await once(stalled.stdout, 'readable');
  const other = await run(guest.agent, ['head', '-c', '5000000', '/dev/zero']);
  assert.equal(other.stdout.length, 5_000_000);
  await guest.agent.ping();
  stalled.signal('SIGTERM');
  stalled.stdout.resume();
  assert.deepEqual(await stalled.exit, { signal: 15 });
});

test('a stalled reader makes the program wait: no more than his buffer and one window is under way', async () => {
  await using guest = await start();
  const window = 1 << 16;
  const program = guest.agent.exec({ argv: ['sh', '-c', 'yes | head -c 3000000; echo done >&2'], env, window });
  await once(program.stdout, 'readable');
  await guest.agent.ping();
  assert.ok(program.stdout.readableLength < program.stdout.readableHighWaterMark + window);
  assert.equal((await buffer(program.stdout)).length, 3_000_000);
  assert.equal(await text(program.stderr), 'done\n');
});

test('a program goes on when nobody wants its output any more', async () => {
  await using guest = await start();
  const program = guest.agent.exec({ argv: ['sh', '-c', 'head -c 9000000 /dev/zero; echo done >&2'], env });
  program.stdout.destroy();
  assert.equal(await text(program.stderr), 'done\n');
  assert.deepEqual(await program.exit, { code: 0 });
});

test('a program that leaves a process behind ends at once, and that one goes on', async () => {
  await using guest = await start();
  await using dir = await temporaryDirectory();
  const fifo = join(dir.path, 'go');
  const heard = join(dir.path, 'heard');
  const script = `mkfifo ${fifo} ${heard}; (read x < ${fifo}; echo late; echo survived > ${heard}) & echo done`;
  assert.equal(await shell(guest.agent, script), 'done\n');
  assert.equal(await shell(guest.agent, `echo > ${fifo}; cat ${heard}`), 'survived\n');
});

test('the end of a program is told however it falls together with its last words', async () => {
  await using guest = await start();
  const left: string[] = [];
  try {
    for (let i = 0; i < 200; i++) left.push(await shell(guest.agent, 'sleep 1000 & echo $!'));
  } finally {
    for (const pid of left) process.kill(Number(pid), 'SIGKILL');
  }
});

test('what a program printed before its end arrives, also when a process left behind prints on', async () => {
  await using guest = await start();
  const { stdout } = await run(guest.agent, ['sh', '-c', 'yes & echo $! >&2; yes x | head -c 500000; kill $!']);
  assert.ok(stdout.toString().replaceAll('y\n', '').length >= 499_000);
});

test('a signal reaches the whole process group, and a trap can answer it', async () => {
  await using guest = await start();
  const trapped = guest.agent.exec({
    argv: ['sh', '-c', 'trap "echo bye; exit 9" TERM; echo up; while :; do :; done'],
    env,
  });
  await once(trapped.stdout, 'readable');
  trapped.signal('SIGTERM');
  assert.equal(await text(trapped.stdout), 'up\nbye\n');
  assert.deepEqual(await trapped.exit, { code: 9 });

  const group = guest.agent.exec({ argv: ['sh', '-c', 'sleep 1000 & echo up; wait $!; echo not reached'], env });
  await once(group.stdout, 'readable');
  group.signal(10);
  assert.deepEqual(await group.exit, { signal: 10 });
});

test('a signal that comes before the program has started is not lost', async () => {
  await using guest = await start();
  const program = guest.agent.exec({ argv: ['sleep', '1000'], env });
  program.signal('SIGKILL');
  assert.deepEqual(await program.exit, { signal: 9 });
});

test('a program that cannot be started says which step failed', async () => {
  await using guest = await start();
  const failure = (spec: object) => guest.agent.exec({ argv: ['true'], env, ...spec }).exit;
  const code = 'E_GUEST_EXEC';
  await assert.rejects(failure({ program: '/no/such' }), { code, message: /"\/no\/such".*execve: .*\(ENOENT\)/ });
  await assert.rejects(failure({ program: '/etc/passwd' }), { code, message: /execve: .*\(EACCES\)/ });
  await assert.rejects(failure({ cwd: '/no/such' }), { code, message: /chdir: .*\(ENOENT\)/ });
  await assert.rejects(failure({ env: { A: 'x\0y' } }), { code, message: /decode: / });
  await assert.rejects(failure({ limits: [{ resource: 'nofile', soft: 9, hard: 8 }] }), { code, message: /rlimit: / });
  await assert.rejects(failure({ argv: ['true', 'x'.repeat(5 << 20)] }), { code, message: /decode: .*\(E2BIG\)/ });
});

test('an environment longer than a frame arrives', async () => {
  await using guest = await start();
  const long = Object.fromEntries(['A', 'B', 'C', 'D'].map((name) => [name, name.repeat(100_000)]));
  assert.equal(await shell(guest.agent, 'echo "$A$B$C$D" | wc -c', { env: { ...long, PATH } }), '400001\n');
});

test('a program runs as its user and may open its outputs again', asRoot, async () => {
  await using guest = await start();
  const script = 'id -u; id -g; id -G; echo again > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin';
  const program = guest.agent.exec({
    argv: ['sh', '-c', script],
    env,
    uid: 65534,
    gid: 4242,
    groups: [4242, 7, 8],
    stdin: 'data',
  });
  program.stdin.end('input');
  assert.equal(await text(program.stdout), '65534\n4242\n4242 7 8\nagain\ninput');
  assert.equal(await text(program.stderr), 'err\n');
  const terminal = await run(guest.agent, ['sh', '-c', 'echo again > $(tty); stat -c %u $(tty)'], {
    uid: 65534,
    gid: 65534,
    groups: [],
    tty: { columns: 80, rows: 24 },
  });
  assert.equal(terminal.stdout.toString(), 'again\r\n65534\r\n');
});

test('files are written whole, in pieces if need be, and read again', async () => {
  await using guest = await start();
  await using dir = await temporaryDirectory();
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const below = join(dir.path, 'a/b');
  await guest.agent.mkdir(below, { mode: 0o750, uid, gid });
  assert.equal((await stat(below)).mode & 0o7777, 0o750);
  for (const content of [randomBytes(0), randomBytes(60_000), randomBytes(1_000_000)]) {
    const file = join(below, 'file');
    await guest.agent.writeFile(file, content, { mode: 0o640, uid, gid });
    assert.ok((await readFile(file)).equals(content));
    assert.ok((await guest.agent.readFile(file)).equals(content));
    assert.equal((await stat(file)).mode & 0o7777, 0o640);
  }
  assert.deepEqual(await readdir(below), ['file']);
});

test('a file that cannot be written leaves nothing behind', async () => {
  await using guest = await start();
  await using dir = await temporaryDirectory();
  const target = join(dir.path, 'target');
  await mkdir(target);
  const owned = { mode: 0o644, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await assert.rejects(guest.agent.writeFile(target, randomBytes(200_000), owned), {
    code: 'E_GUEST_CALL',
    errno: 'EISDIR',
    message: `Cannot write "${target}" in the guest: put in place ${target}: illegal operation on a directory (EISDIR)`,
  });
  assert.deepEqual(await readdir(dir.path), ['target']);
  await assert.rejects(guest.agent.writeFile('relative', 'x', owned), { errno: 'EINVAL' });
});

test('calls run in order without waiting for answers; one that fails does not stop the next', async () => {
  await using guest = await start();
  await using dir = await temporaryDirectory();
  const { agent } = guest;
  const owned = { mode: 0o644, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const file = join(dir.path, 'file');
  const answers = await Promise.allSettled([
    agent.mount({ source: 'none', target: dir.path, type: 'nosuchfs', flags: 0, options: '', waitMs: 30 }),
    agent.call('nosuch', []),
    agent.writeFile(file, 'first', owned),
    agent.writeFile(file, 'second', owned),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled', 'fulfilled'],
  );
  assert.equal(await readFile(file, 'utf8'), 'second');
});

test('calls of a batch run only as long as all succeed', async () => {
  await using guest = await start();
  await using dir = await temporaryDirectory();
  const owned = { mode: 0o644, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const file = (name: string) => join(dir.path, name);
  await assert.rejects(
    guest.agent.batch((guest) => [
      guest.writeFile(file('one'), '1', owned),
      guest.umount(file('no-mount')),
      guest.writeFile(file('two'), '2', owned),
    ]),
    { code: 'E_GUEST_CALL', message: /Cannot unmount/ },
  );
  assert.deepEqual(await readdir(dir.path), ['one']);
  await guest.agent.batch((guest) => [guest.writeFile(file('three'), '3', owned)]);
  assert.deepEqual((await readdir(dir.path)).sort(), ['one', 'three']);
});

test('a call that waits holds up neither programs nor their signals', async () => {
  await using guest = await start();
  const waiting = guest.agent.configureNet({ iface: 'nosuch0', waitMs: 60_000 });
  waiting.catch(() => {});
  assert.equal(await shell(guest.agent, 'echo works'), 'works\n');
  await assert.rejects(guest.agent.hello(AbortSignal.abort()), { code: 'E_GUEST_TIMEOUT' });
  await assert.rejects(guest.agent.ping(Buffer.alloc(0), AbortSignal.abort()), { code: 'E_GUEST_TIMEOUT' });
});

test('an interface that does not come is told after the wait', async () => {
  await using guest = await start();
  await assert.rejects(guest.agent.configureNet({ iface: 'nosuch0', waitMs: 20 }), { errno: 'ENODEV' });
});

test('shutdown ends programs, those that ignore TERM too, and tells their ends', async () => {
  await using guest = await start();
  const stubborn = guest.agent.exec({ argv: ['sh', '-c', 'trap "" TERM; echo up; while :; do :; done'], env });
  await once(stubborn.stdout, 'readable');
  await guest.agent.shutdown({ graceMs: 50, how: 'wait' });
  stubborn.stdout.resume();
  assert.deepEqual(await stubborn.exit, { signal: 9 });
  await assert.rejects(guest.agent.shutdown({ graceMs: 0, how: 'poweroff' }), { errno: 'EPERM' });
  await assert.rejects(guest.agent.makeRoot({ kind: 'direct' }), { errno: 'EPERM' });
});

test('what waits is rejected when the guest goes away', async () => {
  await using guest = await start();
  const program = guest.agent.exec({ argv: ['cat'], env, stdin: 'data' });
  await program.started;
  const call = guest.agent.configureNet({ iface: 'nosuch0', waitMs: 60_000 });
  guest.child.kill('SIGKILL');
  await assert.rejects(program.exit, { code: 'E_GUEST_LOST' });
  await assert.rejects(call, { code: 'E_GUEST_LOST' });
  await assert.rejects(text(program.stdout), { code: 'E_GUEST_LOST' });
  assert.equal((await guest.agent.lost).code, 'E_GUEST_LOST');
  await assert.rejects(guest.agent.ping(), { code: 'E_GUEST_LOST' });
  await assert.rejects(guest.agent.exec({ argv: ['true'] }).exit, { code: 'E_GUEST_LOST' });
});
