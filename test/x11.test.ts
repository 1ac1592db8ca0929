// X11 forwarding out of guests.
import assert from 'node:assert/strict';
import { chown, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { authorityFile, COOKIE_PROTOCOL } from '../src/x11/index.ts';
import type { AtTerminal } from './support/terminal.ts';
import { useCluster } from './support/use-cluster.ts';
import { type EchoDisplay, startEchoDisplay, X_CLIENT } from './support/x-server.ts';

let display: EchoDisplay;

const cluster = useCluster({
  np: 1,
  whenStarted: async ({ user: { uid, gid }, work }, ending) => {
    display = ending.use(await startEchoDisplay());
    await writeFile(join(work, 'client.py'), X_CLIENT);
    await writeFile(join(work, 'authority'), display.authority, { mode: 0o600 });
    await chown(join(work, 'authority'), uid, gid);
  },
});

function run(env: Record<string, string>, ...command: string[]): Promise<AtTerminal> {
  return cluster.atTerminal(command, env);
}

const vm = ['-vm', 'img=host,vcpus=1,ram=512M'];

async function atPrompt(...args: string[]): Promise<AtTerminal> {
  const env = { DISPLAY: display.name, XAUTHORITY: join(cluster.work, 'authority') };
  const terminal = await run(env, 'vsub', '-I', '-X', ...vm, ...args);
  await terminal.expect(/vtorque: starting the virtual machine\r\n/);
  await terminal.expect(/\$ /);
  return terminal;
}

async function answer(terminal: AtTerminal, command: string): Promise<string> {
  terminal.type(`echo "<"$(${command})">"\r`);
  return (await terminal.expect(/<([^"$]*)>\r[^$]*\$ /))[1] ?? '';
}

test('vsub -I -X: programs of the guest use the display, many connections at once, and never see its cookie', async () => {
  await using terminal = await atPrompt();
  const client = `python3 ${join(cluster.work, 'client.py')}`;
  assert.equal(await answer(terminal, 'echo $DISPLAY'), 'localhost:10.0');
  assert.equal(await answer(terminal, 'stat -c "%a %U" $XAUTHORITY'), `600 ${cluster.user.name}`);
  assert.equal(await answer(terminal, `${client} 30`), '30 of 30');
  assert.deepEqual(display.seen, { connections: 31, right: 30 });
  assert.match(await answer(terminal, `${client} wrong`), /^Wrong authorization for this forwarded display$/);
  assert.equal(display.seen.connections, 31);

  const given = await answer(terminal, 'od -An -vtx1 $XAUTHORITY | tr -d " \\n"');
  assert.match(given, /4d49542d4d414749432d434f4f4b49452d31/);
  const { cookie } = display;
  assert.ok(!given.includes(cookie.toString('hex')));
  const { stdout: listing } = await cluster.run(['sh', '-c', 'qstat -f; ps -eo args']);
  for (const form of ['hex', 'base64', 'base64url'] as const) assert.ok(!listing.includes(cookie.toString(form)));

  terminal.type(`${client} stay\r`);
  await terminal.expect(/connected 8\r\n/);
  assert.equal(display.open.size, 1);
  terminal.type('\x03');
  await terminal.expect(/\$ /);
  terminal.type(`${client} stay; echo end""ed\r`);
  await terminal.expect(/connected 8\r\n/);
  for (const socket of display.open) socket.destroy();
  await terminal.expect(/ended\r\n/);
  terminal.type(`${client} stay & wait\r`);
  await terminal.expect(/connected 8\r\n/);
  terminal.type('\x03exit 4\r');
  assert.equal(await terminal.exit, 4);
  for (let i = 0; display.open.size > 0 && i < 100; i++) await delay(50);
  assert.equal(display.open.size, 0);
  await cluster.expectIdle();
});

test('a display that does not answer is told before the guest starts', async () => {
  const env = { DISPLAY: '127.0.0.1:39', XAUTHORITY: join(cluster.work, 'far') };
  await writeFile(env.XAUTHORITY, authorityFile(hostname(), 39, COOKIE_PROTOCOL, display.cookie));
  await chown(env.XAUTHORITY, cluster.user.uid, cluster.user.gid);
  const { stdout, code } = await cluster.run(['vsub', '-I', '-X', ...vm, '-x', 'true'], { env });
  assert.match(stdout, /vtorque: Cannot use the display "127\.0\.0\.1:39": connect ECONNREFUSED/);
  assert.notEqual(code, 0);
  await cluster.expectIdle();
});
