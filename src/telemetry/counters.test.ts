import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { MiB } from '../base/index.ts';
import { count, countersDirectory, readCounters } from './counters.ts';
import { type Event, nameOf } from './event.ts';

const run = promisify(execFile);
const fallback: Event = ['start', 'fallback', 'E_QMP'];
const warm: Event = ['start', 'warm'];

async function aState() {
  const state = await mkdtemp(join(tmpdir(), 'vtt-counters-'));
  const directory = countersDirectory(state);
  const values = async (): Promise<Record<string, number>> =>
    Object.fromEntries((await readCounters(directory)).counters.map(({ event, value }) => [nameOf(event), value]));
  return { state, directory, values, [Symbol.asyncDispose]: () => rm(state, { recursive: true, force: true }) };
}

/** Node's words for a process that counts so many warm starts in the directory that is its last word. */
function counting(times: number): string[] {
  const code = `import { count } from '${import.meta.dirname}/counters.ts';
    for (let i = 0; i < ${times}; i++) await count(process.argv[1], ['start', 'warm']);`;
  return ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', code];
}

test('counts add up, whatever is counted at the same time', async () => {
  const events: readonly Event[] = [warm, fallback, ['start', 'cold', 'site'], ['template', 'made']];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...events), { maxLength: 60 }), async (happened) => {
      await using site = await aState();
      await Promise.all(happened.map((event) => count(site.directory, event)));
      const wanted = Object.groupBy(happened, nameOf);
      assert.deepEqual(
        await site.values(),
        Object.fromEntries(Object.entries(wanted).map(([name, all]) => [name, all?.length])),
      );
    }),
    { numRuns: 20 },
  );
});

test('several processes that count at the same time lose nothing, also while what was counted becomes a hole', async () => {
  await using site = await aState();
  const path = join(site.directory, 'start.warm');
  await mkdir(site.directory, { recursive: true });
  await writeFile(path, Buffer.alloc(MiB - 600));
  await Promise.all([0, 1, 2, 3].map(() => run(process.execPath, [...counting(300), site.directory])));
  assert.deepEqual(await site.values(), { 'start.warm': MiB + 600 });
  assert.ok((await stat(path)).blocks * 512 < MiB / 2);
});

test('when counting began, and when something happened last, is known', async () => {
  await using site = await aState();
  assert.deepEqual(await readCounters(site.directory), { counters: [], since: undefined });
  const before = Date.now();
  await count(site.directory, warm);
  const { since = 0 } = await readCounters(site.directory);
  await count(site.directory, fallback);
  const later = await readCounters(site.directory);
  assert.equal(later.since, since);
  // Files have the kernel's coarse time.
  assert.ok(since >= before - 20 && since <= Date.now());
  assert.ok(later.counters.every(({ last }) => last >= since));
});

test('counters of machines that share the directory are apart', async () => {
  await using site = await aState();
  await count(countersDirectory(site.state, 'n1.example'), warm);
  assert.deepEqual(await readCounters(countersDirectory(site.state, 'n2.example')), {
    ...{ counters: [], since: undefined },
  });
});

test('a full disk loses a count, and nothing else', async () => {
  await using site = await aState();
  await count(site.directory, fallback);
  await symlink('/dev/full', join(site.directory, 'start.warm'));
  await count(site.directory, warm);
  assert.deepEqual(await site.values(), { 'start.warm': 0, 'start.fallback.E_QMP': 1 });
});

test('where nothing can be written nothing is counted, and that is no error', async () => {
  await using site = await aState();
  await writeFile(join(site.state, 'counters'), '');
  await count(site.directory, warm);
  await assert.rejects(readCounters(site.directory), { code: 'E_CANNOT_READ' });
});

test('who may not read the counters is told so', {
  skip: process.getuid?.() === 0 && 'root may read everything',
}, async () => {
  await using site = await aState();
  await count(site.directory, warm);
  await chmod(site.directory, 0);
  await assert.rejects(readCounters(site.directory), { code: 'E_CANNOT_READ', message: /it is closed to you$/ });
  await chmod(site.directory, 0o700);
});

const apart = ['--user', '--map-root-user', '--mount'];
const whyNoMounts = await run('unshare', [...apart, 'mount', '-t', 'ramfs', 'none', '/mnt']).then(
  () => false,
  (error: Error) => `a file system without holes cannot be mounted here: ${error.message}`,
);

test('where the file system has no holes a counter begins anew instead', { skip: whyNoMounts }, async () => {
  await using site = await aState();
  const script = `mount -t ramfs none "$0" && head -c ${MiB} /dev/zero > "$0/start.warm" && "$@" "$0" && stat -c %s "$0"/*`;
  const sizeAfter = async (times: number): Promise<string> => {
    const words = ['sh', '-c', script, site.state, process.execPath, ...counting(times)];
    const { stdout } = await run('unshare', [...apart, ...words]).catch((error) => error);
    return stdout.trim();
  };
  assert.equal(await sizeAfter(3), '2');
});
