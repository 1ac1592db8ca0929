import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { install } from './install.ts';
import { planInstall } from './plan.ts';
import { isOfOthers } from './record.ts';
import { aDirectory, namesBelow } from './test-directory.ts';
import { releaseOf } from './tree.ts';
import { uninstall } from './uninstall.ts';

/** An installed version to install from, and where to. */
function aSource() {
  const work = aDirectory();
  const root = join(work, 'root');
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('package.json', '{"version":"1.2.3"}');
  write('bin/vsub', '#!/bin/sh\n');
  write('lib/vsub.cjs', 'exports.main = 1');
  write('lib/vsub.inputs', '[]');
  write('libexec/start.cjs', 'module.exports = { bundleParts: () => ({}), isCurrent: () => true };');
  write('node', 'binary');
  const prefix = join(work, 'users/opt');
  const record = join(work, 'state/install.json');
  const go = async (dryRun = false) => {
    const release = await releaseOf(root, join(root, 'node'));
    const { steps } = planInstall({
      ...{
        release,
        role: 'head',
        engine: 'embedded',
        prefix,
        torqueCommands: undefined,
        slurmCommands: undefined,
        slurmConf: undefined,
        torqueHome: '/none',
        asRoot: false,
      },
      ...{ shared: false, systemctl: false, qmgr: false },
    });
    return { name: release.name, changes: await install({ steps, prefix, record, dryRun }) };
  };
  return { work, write, prefix, record, go };
}

test('a version lies under a name of its own, and "current" leads to the last one that was installed', async () => {
  const { write, prefix, go } = aSource();
  const first = await go();
  assert.match(first.name, /^1\.2\.3-[0-9a-f]{8}$/);
  assert.equal(readFileSync(join(prefix, 'current/lib/node'), 'utf8'), 'binary');
  assert.equal(existsSync(join(prefix, 'current/lib/vsub.inputs')), false);
  assert.deepEqual((await go()).changes, []);
  write('lib/vsub.cjs', 'exports.main = 2');
  const second = await go();
  assert.equal(readlinkSync(join(prefix, 'current')), second.name);
  assert.equal(readFileSync(join(prefix, first.name, 'lib/vsub.cjs'), 'utf8'), 'exports.main = 1');
});

test('a machine that has put a version there itself gets the next one as well; one that uses that of another does not', async () => {
  const { work, prefix, record, go } = aSource();
  assert.equal(await isOfOthers(prefix, record), false);
  await go();
  assert.equal(await isOfOthers(prefix, record), false);
  assert.equal(await isOfOthers(prefix, join(work, 'state/of-another-machine.json')), true);
});

test('uninstall takes all versions and all directories away that install has made', async () => {
  const { work, write, record, go } = aSource();
  const before = namesBelow(work);
  await go();
  write('lib/vsub.cjs', 'exports.main = 2');
  await go();
  await uninstall(record, { dryRun: false });
  assert.deepEqual(namesBelow(work), before);
  assert.deepEqual(await uninstall(record, { dryRun: false }), []);
});

test('a dry run makes nothing, and names what install then makes', async () => {
  const { work, go } = aSource();
  const before = namesBelow(work);
  const planned = await go(true);
  assert.deepEqual(namesBelow(work), before);
  const done = await go();
  assert.deepEqual(planned.changes, done.changes);
  for (const { path } of done.changes) assert.ok(existsSync(path), path);
});

test('uninstall keeps a file that has been changed, and one that came later, and says so of the first', async () => {
  const { prefix, record, go } = aSource();
  const { name } = await go();
  const changed = join(prefix, name, 'bin/vsub');
  writeFileSync(changed, 'mine');
  writeFileSync(join(prefix, name, 'lib/new'), 'mine');
  const kept = (await uninstall(record, { dryRun: false })).filter(({ action }) => action === 'keep');
  assert.deepEqual(kept, [{ action: 'keep', path: changed, why: 'it has been changed' }]);
  assert.equal(readFileSync(changed, 'utf8'), 'mine');
  assert.equal(readFileSync(join(prefix, name, 'lib/new'), 'utf8'), 'mine');
  assert.equal(existsSync(join(prefix, name, 'lib/node')), false);
});

test('a version that was copied by half is no version, and goes', async () => {
  const { work, prefix, record, go } = aSource();
  const before = namesBelow(work);
  const { name } = await go();
  const half = join(prefix, `${name}.vtorque-new-1`);
  mkdirSync(half);
  writeFileSync(join(half, 'node'), 'bin');
  await uninstall(record, { dryRun: false });
  assert.deepEqual(namesBelow(work), before);
});
