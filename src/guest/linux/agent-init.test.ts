import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { builtAgent, path as PATH, run, runningAgent, shell } from './testing.ts';

/** What process 1 does, tried as process 1 of namespaces whose root is a RAM disk of their own. */
const namespaces = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--uts', '--net', '--ipc'];
const busybox = '/bin/busybox';

/** Makes the RAM disk: the agent as /init, the system's own root as /lower; then becomes the agent. */
const begin = `
set -e
mount -t tmpfs ram /mnt
cd /mnt
mkdir proc sys dev mods lower new
cp "$0" init
[ ! -x ${busybox} ] || cp ${busybox} busybox
mount -t proc proc proc
mount -t tmpfs sys sys
mount --rbind /dev dev
mount --bind / lower
exec chroot . /init "$@"
`;

const why = whyNot();
const privileged = why === undefined ? {} : { skip: why };
let built: Awaited<ReturnType<typeof builtAgent>>;
before(async () => {
  built = await builtAgent();
});
after(() => built[Symbol.asyncDispose]());

const start = () => runningAgent([...namespaces, 'sh', '-c', begin, built.path]);
const env = { PATH };
const fresh = [
  { path: '/run', options: 'mode=755' },
  { path: '/tmp', options: 'mode=1777' },
];

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can make the namespaces that this needs';
  const [program = '', ...args] = namespaces;
  const made = spawnSync(program, [...args, 'mount', '-t', 'tmpfs', 'try', '/mnt'], { timeout: 10_000 });
  return made.status === 0 ? undefined : `namespaces cannot be made here: ${made.stderr}`;
}

test('process 1 says that it is, and changes to an overlay over what is on /lower', privileged, async () => {
  await using guest = await start();
  const { agent } = guest;
  assert.ok((await agent.hello()).capabilities.includes('init'));
  await agent.makeRoot({ kind: 'overlay', upperOptions: 'size=16m', directories: fresh });
  const mounts = (await readFileOf(agent, '/proc/mounts')).split('\n').map((line) => line.split(' '));
  const at = (path: string) => mounts.filter(([, where]) => where === path).map(([, , type]) => type);
  assert.deepEqual([at('/').at(-1), at('/run'), at('/tmp'), at('/lower')], ['overlay', ['tmpfs'], ['tmpfs'], []]);
  assert.equal(
    await shell(agent, 'stat -c %a /tmp /run; ls -A /tmp; echo > /etc/only-here; cat /proc/1/comm'),
    '1777\n755\ninit\n',
  );
  await assert.rejects(access('/etc/only-here'));
  await assert.rejects(agent.loadModules('base'), { errno: 'ENOENT' });
});

test('changing the root frees the RAM disk', privileged, async (t) => {
  if (
    await access(busybox).then(
      () => false,
      () => true,
    )
  )
    return t.skip(`no ${busybox}`);
  await using guest = await start();
  // A program from before keeps the old root and can tell what is left in it.
  const witness = guest.agent.exec({
    program: '/busybox',
    argv: ['sh', '-c', 'echo up; read x; cd /; echo *'],
    env,
    stdin: 'data',
  });
  await once(witness.stdout, 'readable');
  await guest.agent.makeRoot({ kind: 'overlay', directories: fresh });
  witness.stdin.end('go\n');
  assert.equal(await text(witness.stdout), 'up\nnew\n');
});

test('a guest that is tidied has no modules in files, and changes its root without them', privileged, async () => {
  await using guest = await start();
  const { agent } = guest;
  await agent.writeFile('/mods/base.order', '', { mode: 0o644, uid: 0, gid: 0 });
  await agent.tidy(1024 ** 2);
  await assert.rejects(agent.readFile('/mods/base.order'), { errno: 'ENOENT' });
  await agent.makeRoot({ kind: 'overlay', directories: fresh });
  assert.equal(await shell(agent, 'echo works'), 'works\n');
});

test('the agent comes before all programs of the guest, which come as always', privileged, async () => {
  await using guest = await start();
  await guest.agent.makeRoot({ kind: 'overlay', directories: fresh });
  const niceness = (process: string) => `cut -d ' ' -f 19 /proc/${process}/stat`;
  assert.equal(await shell(guest.agent, `${niceness('1')}; ${niceness('self')}`), '-20\n0\n');
});

test('changing the root directly takes what is on /new, and leaves an impossible one alone', privileged, async () => {
  await using guest = await start();
  const { agent } = guest;
  await assert.rejects(agent.makeRoot({ kind: 'direct' }), { errno: 'EINVAL', message: /nothing is mounted on \/new/ });
  await agent.mount({ source: '/lower', target: '/new', type: '', flags: 4096, options: '', waitMs: 0 });
  await agent.makeRoot({ kind: 'direct', directories: fresh });
  assert.equal(await shell(agent, 'ls -A /tmp /run; echo works'), '/run:\n\n/tmp:\nworks\n');
});

test('mount makes its target, passes flags and options on, and umount takes it away', privileged, async () => {
  await using guest = await start();
  const { agent } = guest;
  const target = '/made/for it';
  await agent.mount({ source: 'x', target, type: 'tmpfs', flags: 1 | 2, options: 'size=1m,mode=700', waitMs: 0 });
  const line = (await readFileOf(agent, '/proc/mounts')).split('\n').find((text) => text.includes('/made/for'));
  assert.match(line ?? '', /^x \/made\/for\\040it tmpfs ro,nosuid,.*size=1024k,mode=700/);
  await agent.umount(target);
  await assert.rejects(agent.umount(target), { errno: 'EINVAL' });
});

test('host name, loopback and addresses are set', privileged, async () => {
  await using guest = await start();
  const { agent } = guest;
  await agent.makeRoot({ kind: 'overlay', directories: fresh });
  await agent.setHostname('vnode-1');
  assert.equal(await shell(agent, 'uname -n'), 'vnode-1\n');
  await agent.configureNet({ iface: 'lo', address: '10.9.8.7/13', mtu: 3000, waitMs: 0 });
  const [address, route] = [await readFileOf(agent, '/proc/net/fib_trie'), await readFileOf(agent, '/proc/net/route')];
  assert.match(address, /10\.9\.8\.7/);
  // Loopback has no route in this table; the mask is seen in the local one.
  assert.match(address, /10\.8\.0\.0\/13/);
  assert.equal(route.split('\n').length, 2);
  await assert.rejects(agent.configureNet({ iface: 'lo', address: '10.0.0.1/33', waitMs: 0 }), { errno: 'EINVAL' });
});

test('accounts are made in the new root, and the user has his name', privileged, async () => {
  await using guest = await start();
  const { agent } = guest;
  await agent.makeRoot({ kind: 'overlay', directories: fresh });
  const before = await readFile('/etc/passwd', 'utf8');
  await Promise.all([
    agent.ensureGroup({ name: 'vttsim', gid: 31001, members: ['vttjob'] }),
    agent.ensureAccount({ name: 'vttjob', uid: 31001, gid: 31001, gecos: '', home: '/tmp', shell: '/bin/sh' }),
  ]);
  const { stdout } = await run(agent, ['id', '-un'], { uid: 31001, gid: 31001, groups: [31001] });
  assert.equal(stdout.toString(), 'vttjob\n');
  assert.equal(await shell(agent, 'id -Gn vttjob; stat -c "%a %U" /etc/passwd'), 'vttsim\n644 root\n');
  assert.equal(await readFile('/etc/passwd', 'utf8'), before);
});

test('orphans are reaped', privileged, async () => {
  await using guest = await start();
  await guest.agent.makeRoot({ kind: 'overlay', directories: fresh });
  const orphan = Number(await shell(guest.agent, 'sh -c "sleep 0 & echo \\$!"'));
  const gone = `while [ -d /proc/${orphan} ]; do :; done; echo gone`;
  assert.equal(await shell(guest.agent, gone), 'gone\n');
});

test('shutdown ends every process, also daemons, and unmounts', privileged, async () => {
  await using guest = await start();
  const { agent } = guest;
  await agent.makeRoot({ kind: 'overlay', directories: fresh });
  await agent.mount({ source: 'x', target: '/media/deep', type: 'tmpfs', flags: 0, options: '', waitMs: 0 });
  await shell(
    agent,
    'setsid sh -c "trap \\"\\" TERM; while :; do :; done" > /dev/null 2>&1 & setsid sleep 1000 > /dev/null 2>&1 &',
  );
  await agent.shutdown({ graceMs: 50, how: 'wait' });
  const left = (await run(agent, ['sh', '-c', 'echo /proc/[0-9]* | wc -w'])).stdout.toString();
  // Process 1, the shell and what counts.
  assert.ok(Number(left) <= 4, `${left} processes`);
  assert.doesNotMatch(await readFileOf(agent, '/proc/mounts'), /\/media\/deep/);
});

/** /proc says 0 bytes of every file, so its size cannot be asked first. */
async function readFileOf(agent: Awaited<ReturnType<typeof start>>['agent'], path: string): Promise<string> {
  return (await agent.readFile(path)).toString();
}
