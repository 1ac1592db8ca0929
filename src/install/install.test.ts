import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { torqueHookPlaces, torqueHooks } from './hooks/torque.ts';
import { install } from './install.ts';
import { aDirectory, snapshot } from './test-directory.ts';
import { uninstall } from './uninstall.ts';

/** A node of Torque whose site has some hooks, one of them a link to another directory. */
function aNode(): { home: string; hooks: string; current: string; record: string } {
  const work = aDirectory();
  const home = join(work, 'torque');
  const hooks = join(home, 'mom_priv');
  mkdirSync(join(hooks, 'jobs'), { recursive: true });
  aProgram(join(hooks, 'prologue'), 'echo "site: $*"; exit $((SITE))', 0o500);
  aProgram(join(hooks, 'epilogue'), 'echo "site: $*"; cat; exit $((SITE))', 0o755);
  aProgram(join(work, 'shared/epilogue.parallel'), 'echo linked', 0o755);
  symlinkSync('../../shared/epilogue.parallel', join(hooks, 'epilogue.parallel'));
  writeFileSync(join(hooks, 'config'), '$pbsserver head\n');
  utimesSync(join(hooks, 'prologue'), 1, 1_000_000_000);
  const current = join(work, 'opt/current');
  aProgram(join(current, 'libexec/vtorque-hook'), 'echo "ours: $*"; exit $((OURS))', 0o755);
  return { home, hooks, current, record: join(work, 'state/install.json') };
}

function aProgram(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  // One that its owner may not write to is replaced, too.
  rmSync(path, { force: true });
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, mode);
}

function hookInstall({ home, current, record }: ReturnType<typeof aNode>, dryRun = false) {
  return install({ steps: torqueHooks(home, current, '/opt/torque/bin'), prefix: dirname(current), record, dryRun });
}

function run(path: string, input = '', env: Record<string, string> = {}) {
  const { status, stdout } = spawnSync(path, ['1.head', 'a b', ''], { input, encoding: 'utf8', env });
  return { status, stdout };
}

test('nothing is left of an installation that was killed while it wrote down what it does', async () => {
  const node = aNode();
  await hookInstall(node);
  writeFileSync(`${node.record}.vtorque-new-999999`, '{"form');
  await uninstall(node.record, { dryRun: false });
  assert.equal(existsSync(dirname(node.record)), false);
});

test("a site's hooks come back as they were, to the byte, the inode and the time", async () => {
  const node = aNode();
  const before = snapshot(node.home);
  assert.equal((await hookInstall(node)).length >= 5, true);
  assert.notDeepEqual(snapshot(node.home), before);
  await uninstall(node.record, { dryRun: false });
  assert.deepEqual(snapshot(node.home), before);
  assert.equal(existsSync(dirname(node.record)), false);
});

test('an installation says which hooks of the site it replaces, and which there were none of', async () => {
  const node = aNode();
  const changes = await hookInstall(node, true);
  const actionOf = (name: string) => changes.find(({ path }) => path === join(node.hooks, name))?.action;
  assert.deepEqual(['epilogue', 'prologue.parallel'].map(actionOf), ['replace', 'create']);
});

test('a second installation finds nothing to do, and one of another version keeps the same originals', async () => {
  const node = aNode();
  const before = snapshot(node.home);
  await hookInstall(node);
  const installed = snapshot(node.home);
  assert.deepEqual(await hookInstall(node), []);
  assert.deepEqual(snapshot(node.home), installed);
  await hookInstall({ ...node, current: `${node.current}-2` });
  assert.match(readFileSync(join(node.hooks, 'epilogue'), 'utf8'), /current-2/);
  await uninstall(node.record, { dryRun: false });
  assert.deepEqual(snapshot(node.home), before);
});

test('a dry run names every hook and touches nothing', async () => {
  const node = aNode();
  const before = snapshot(dirname(node.home));
  const changes = await hookInstall(node, true);
  assert.ok(changes.some(({ path }) => path === join(node.hooks, 'prologue.parallel')));
  assert.deepEqual(snapshot(dirname(node.home)), before);
  await hookInstall(node);
  const installed = snapshot(dirname(node.home));
  await uninstall(node.record, { dryRun: true });
  assert.deepEqual(snapshot(dirname(node.home)), installed);
});

test("the site's prologue runs before ours, with its words; when it fails its code counts and ours does not run", async () => {
  const node = aNode();
  await hookInstall(node);
  const prologue = join(node.hooks, 'prologue');
  assert.deepEqual(run(prologue), { status: 0, stdout: 'site: 1.head a b \nours: torque prologue 1.head a b \n' });
  assert.deepEqual(run(prologue, '', { SITE: '3' }), { status: 3, stdout: 'site: 1.head a b \n' });
  assert.equal(run(prologue, '', { OURS: '4' }).status, 0);
});

test("the site's epilogue runs behind ours, with its standard input, whatever ours ended with", async () => {
  const node = aNode();
  await hookInstall(node);
  const epilogue = join(node.hooks, 'epilogue');
  const both = 'ours: torque epilogue 1.head a b \nsite: 1.head a b \nin\n';
  assert.deepEqual(run(epilogue, 'in\n'), { status: 0, stdout: both });
  assert.deepEqual(run(epilogue, 'in\n', { OURS: '4' }), { status: 0, stdout: both });
  assert.equal(run(epilogue, '', { OURS: '4', SITE: '5' }).status, 5);
  assert.equal(run(join(node.hooks, 'epilogue.parallel')).stdout.split('\n')[1], 'linked');
});

test("a node that cannot reach the installation runs the site's hooks and nothing else", async () => {
  const node = aNode();
  await hookInstall(node);
  rmSync(node.current, { recursive: true });
  assert.deepEqual(run(join(node.hooks, 'prologue')), { status: 0, stdout: 'site: 1.head a b \n' });
  assert.deepEqual(run(join(node.hooks, 'prologue.parallel')), { status: 0, stdout: '' });
  assert.deepEqual(run(join(node.hooks, 'epilogue'), '', { SITE: '7' }), { status: 7, stdout: 'site: 1.head a b \n' });
});

test('an installation that was killed between its two steps is finished, or taken back', async () => {
  const [goneOn, takenBack] = [aNode(), aNode()];
  for (const node of [goneOn, takenBack]) {
    const before = snapshot(node.home);
    await hookInstall(node);
    const prologue = join(node.hooks, 'prologue');
    const original = join(node.hooks, '.vtorque-original.prologue');
    // As it is when the original has its second name and ours has not come yet; a draft is left, too.
    rmSync(prologue);
    linkSync(original, prologue);
    writeFileSync(`${prologue}.vtorque-new-1`, 'half');
    if (node === goneOn) await hookInstall(node);
    await uninstall(node.record, { dryRun: false });
    assert.deepEqual(snapshot(node.home), before);
  }
});

test('a hook that the site has changed since is told about, and kept with what was there before', async () => {
  const node = aNode();
  await hookInstall(node);
  const prologue = join(node.hooks, 'prologue');
  aProgram(prologue, 'echo new', 0o755);
  await assert.rejects(hookInstall(node), { code: 'E_INSTALL_HOOK' });
  const kept = (await uninstall(node.record, { dryRun: false })).filter(({ action }) => action === 'keep');
  assert.deepEqual(
    kept.map(({ path }) => path),
    [prologue],
  );
  assert.match(readFileSync(prologue, 'utf8'), /echo new/);
  assert.ok(existsSync(join(node.hooks, '.vtorque-original.prologue')));
});

test('hooks of ours are taken away even where the record of them is lost', async () => {
  const node = aNode();
  const before = snapshot(node.home);
  await hookInstall(node);
  rmSync(dirname(node.record), { recursive: true });
  const hooks = torqueHookPlaces(node.home);
  assert.equal((await uninstall(node.record, { dryRun: false, hooks })).length, hooks.length);
  assert.deepEqual(snapshot(node.home), before);
  assert.deepEqual(await uninstall(node.record, { dryRun: false, hooks }), []);
});

test('a link that another machine has put on a shared file system stays when this one is uninstalled', async () => {
  const node = aNode();
  const link = { kind: 'link', path: join(dirname(node.current), 'shared'), target: 'current' } as const;
  const steps = [link, ...torqueHooks(node.home, node.current, undefined)];
  const options = { steps, prefix: dirname(node.current), dryRun: false };
  const first = join(dirname(node.record), '../head/install.json');
  await install({ ...options, steps: [link], record: first });
  await install({ ...options, record: node.record });
  assert.deepEqual(await install({ ...options, record: node.record }), []);
  await uninstall(node.record, { dryRun: false });
  assert.equal(readlinkSync(link.path), 'current');
  await uninstall(first, { dryRun: false });
  assert.equal(existsSync(link.path), false);
});

test("the commands of Torque are on our hook's PATH, and the site's hook has the PATH that it always had", async () => {
  const node = aNode();
  aProgram(join(node.current, 'libexec/vtorque-hook'), 'echo "ours: $PATH"', 0o755);
  for (const event of ['prologue', 'epilogue']) aProgram(join(node.hooks, event), 'echo "site: $PATH"', 0o700);
  await hookInstall(node);
  for (const [event, order] of [
    ['prologue', -1],
    ['epilogue', 1],
  ] as const) {
    const lines = run(join(node.hooks, event), '', { PATH: '/bin:/usr/bin' }).stdout.trim().split('\n');
    const expected = ['ours: /bin:/usr/bin:/opt/torque/bin', 'site: /bin:/usr/bin'];
    assert.deepEqual(lines, order > 0 ? expected : expected.toReversed());
  }
});
