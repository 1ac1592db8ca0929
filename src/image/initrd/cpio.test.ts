import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { run } from '../run.ts';
import { type CpioEntry, cpio } from './cpio.ts';

const name = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,40}$/).filter((text) => !/^\.{1,2}$/.test(text));
const file = fc.record({
  path: name,
  mode: fc.integer({ min: 0, max: 0o777 }),
  bytes: fc.uint8Array({ maxLength: 5000 }),
});
const files = fc
  .uniqueArray(file, { selector: (entry) => entry.path, maxLength: 12 })
  .map((entries): CpioEntry[] => entries.map((entry) => ({ kind: 'file', ...entry })));

/** The entries of an archive by a reader of our own, which checks every offset. */
function readArchive(archive: Buffer): { path: string; mode: number; bytes: Buffer }[] {
  const found = [];
  for (let at = 0; ; ) {
    assert.equal(archive.toString('latin1', at, at + 6), '070701');
    const field = (index: number): number =>
      Number.parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const pad = (length: number): number => Math.ceil(length / 4) * 4;
    const data = pad(at + 110 + field(11));
    const path = archive.toString('utf8', at + 110, at + 110 + field(11) - 1);
    if (path === 'TRAILER!!!') {
      assert.equal(pad(data), archive.byteLength);
      return found;
    }
    found.push({ path, mode: field(1), bytes: archive.subarray(data, data + field(6)) });
    at = pad(data + field(6));
  }
}

test('cpio() keeps every path, mode and byte', () => {
  fc.assert(
    fc.property(files, (entries) => {
      const found = readArchive(cpio(entries));
      assert.deepEqual(
        found.map(({ path, mode, bytes }) => ({
          kind: 'file',
          path,
          mode: mode - 0o100000,
          bytes: new Uint8Array(bytes),
        })),
        entries,
      );
    }),
    { numRuns: 500 },
  );
});

test('cpio() writes what the cpio program lists and unpacks', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'vtorque-cpio-'));
  try {
    await fc.assert(
      fc.asyncProperty(files, async (entries) => {
        const archive = cpio(entries);
        const listing = await run(['cpio', '--list', '--quiet'], { input: archive, withinMs: 10_000 });
        assert.deepEqual(
          listing.toString().split('\n').filter(Boolean),
          entries.map((entry) => entry.path),
        );
        const out = await mkdtemp(join(dir, 'out-'));
        await run(['cpio', '--extract', '--quiet', '--no-absolute-filenames'], {
          input: archive,
          cwd: out,
          withinMs: 10_000,
        });
        for (const entry of entries) {
          if (entry.kind !== 'file' || (entry.mode & 0o400) === 0) continue;
          assert.deepEqual(new Uint8Array(await readFile(join(out, entry.path))), entry.bytes);
        }
      }),
      { numRuns: 10 },
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('cpio() writes directories and devices as the cpio program knows them', async () => {
  const archive = cpio([
    { kind: 'directory', path: 'dev', mode: 0o755 },
    { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { kind: 'file', path: 'init', mode: 0o755, bytes: Buffer.from('hello') },
  ]);
  const listing = await run(['cpio', '--list', '--verbose', '--quiet', '--numeric-uid-gid'], {
    input: archive,
    withinMs: 10_000,
    env: { TZ: 'UTC' },
  });
  assert.deepEqual(listing.toString().split('\n').filter(Boolean), [
    'drwxr-xr-x   2 0        0               0 Jan  1  1970 dev',
    'crw-------   1 0        0          5,   1 Jan  1  1970 dev/console',
    '-rwxr-xr-x   1 0        0               5 Jan  1  1970 init',
  ]);
});

test('cpio() refuses paths that lead elsewhere', () => {
  for (const path of ['', '/etc/passwd', 'a\0b']) {
    assert.throws(() => cpio([{ kind: 'directory', path, mode: 0o755 }]), RangeError);
  }
});

test('equal entries give equal bytes', () => {
  const entries: CpioEntry[] = [{ kind: 'file', path: 'a', mode: 0o644, bytes: Buffer.from('x') }];
  assert.deepEqual(cpio(entries), cpio(entries));
});
