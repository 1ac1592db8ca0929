import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type HookDeps, prepare, release } from './hook.ts';
import { leaseName } from './leases/lease.ts';
import { LeaseStore } from './leases/store.ts';

const uid = process.getuid?.() ?? 0;
const owner = { name: 'u', uid: 1000, gid: 1000 };
const key = { engine: 'torque', cluster: 'head', jobId: '1.head', attempt: undefined, node: 'n1' };

/** A node with a clock of its own, and a record of what was cleared up. */
async function aNode() {
  const dir = await mkdtemp(join(tmpdir(), 'vtt-node-'));
  const cleared: string[] = [];
  let time = 1000;
  const deps: HookDeps = {
    store: await LeaseStore.open(join(dir, 'leases'), uid),
    now: () => time++,
    clearUp: async ({ jobId }) => void cleared.push(jobId),
  };
  return { dir, deps, cleared, now: () => time, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

test('a job is prepared and released', async () => {
  await using node = await aNode();
  assert.equal(await prepare({ key, owner }, node.now(), node.deps), 'prepared');
  assert.deepEqual(
    (await node.deps.store.list()).map(({ state }) => state),
    ['prepared'],
  );
  assert.equal(await release({ key, owner }, node.deps), 'released');
  assert.deepEqual(
    (await node.deps.store.list()).map(({ state }) => state),
    ['released'],
  );
  assert.deepEqual(node.cleared, ['1.head']);
});

test('a release that comes first makes the preparation come too late', async () => {
  await using node = await aNode();
  const since = node.now();
  assert.equal(await release({ key, owner }, node.deps), 'unknown');
  assert.equal(await prepare({ key, owner }, since, node.deps), 'too late');
  assert.deepEqual(
    (await node.deps.store.list()).map(({ state }) => state),
    ['released'],
  );
});

test('a further run of the same job is prepared, although the batch system gives it the same name', async () => {
  await using node = await aNode();
  await prepare({ key, owner }, node.now(), node.deps);
  await release({ key, owner }, node.deps);
  assert.equal(await prepare({ key, owner }, node.now(), node.deps), 'prepared');
});

test('a tombstone of before the clock was set back is that of an earlier run', async () => {
  await using node = await aNode();
  await release({ key, owner }, { ...node.deps, now: () => node.now() + 3_600_000 });
  assert.equal(await prepare({ key, owner }, node.now(), node.deps), 'prepared');
});

test('where no lease can be written, all is cleared up, the job stays written down, and no half file is left', async () => {
  await using node = await aNode();
  await prepare({ key, owner }, node.now(), node.deps);
  // Nothing can be renamed to a directory that has something in it, not even by root.
  const file = join(node.dir, 'leases', `${leaseName(key)}.lease`);
  await rm(file);
  await mkdir(join(file, 'inside'), { recursive: true });
  await assert.rejects(release({ key, owner }, node.deps), { code: 'E_CANNOT_WRITE' });
  assert.deepEqual(node.cleared, ['1.head']);
  assert.deepEqual((await readdir(join(node.dir, 'leases'))).sort(), [
    `${leaseName(key)}.lease`,
    `${leaseName(key)}.lock`,
  ]);
});

test('a run that is told from others is over for good once it was released', async () => {
  await using node = await aNode();
  const first = { ...key, attempt: '1' };
  await release({ key: first, owner }, node.deps);
  assert.equal(await prepare({ key: first, owner }, node.now(), node.deps), 'too late');
  assert.equal(await prepare({ key: { ...key, attempt: '2' }, owner }, node.now(), node.deps), 'prepared');
});

test('what cannot be cleared up stays written down', async () => {
  await using node = await aNode();
  await prepare({ key, owner }, node.now(), node.deps);
  const stuck = { ...node.deps, clearUp: () => Promise.reject(new Error('stuck')) };
  await assert.rejects(release({ key, owner }, stuck), /stuck/);
  assert.deepEqual(
    (await node.deps.store.list()).map(({ state }) => state),
    ['releasing'],
  );
  await release({ key, owner }, node.deps);
  assert.deepEqual(
    (await node.deps.store.list()).map(({ state }) => state),
    ['released'],
  );
});

test('any order and any overlap ends as released when a release was the last to begin', async () => {
  const event = fc.constantFrom('prepare', 'release');
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 5 }), async (events) => {
      await using node = await aNode();
      const begun = events.map((name) => {
        const since = node.now();
        return name === 'prepare' ? prepare({ key, owner }, since, node.deps) : release({ key, owner }, node.deps);
      });
      await Promise.all(begun);
      await release({ key, owner }, node.deps);
      assert.deepEqual(
        (await node.deps.store.list()).map(({ state }) => state),
        ['released'],
      );
    }),
    { numRuns: 20 },
  );
});

test('a directory that others can read or write, or that is a link, is not trusted', async () => {
  await using node = await aNode();
  const open = join(node.dir, 'open');
  await LeaseStore.open(open, uid);
  await chmod(open, 0o755);
  await assert.rejects(LeaseStore.open(open, uid), { code: 'E_LEASES' });
  await symlink(join(node.dir, 'leases'), join(node.dir, 'link'));
  await assert.rejects(LeaseStore.open(join(node.dir, 'link'), uid), { code: 'E_LEASES' });
  await assert.rejects(LeaseStore.open(join(node.dir, 'leases'), uid + 1), { code: 'E_LEASES' });
});

test('a lease that was cut while it was written counts as none', async () => {
  await using node = await aNode();
  await prepare({ key, owner }, node.now(), node.deps);
  const file = join(node.dir, 'leases', `${leaseName(key)}.lease`);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await writeFile(file, '{"key":');
  assert.deepEqual(await node.deps.store.list(), []);
  await node.deps.store.forget(key);
  assert.deepEqual(await readdir(join(node.dir, 'leases')), []);
});
