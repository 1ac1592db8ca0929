import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockDescriptor } from './descriptor-lock.ts';
import { lockFile } from './file-lock.ts';

async function aDirectory(): Promise<AsyncDisposable & { readonly dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'vtt-lock-'));
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}

test('lockFile() lets one in at a time, the next one when the first lets go', async () => {
  await using site = await aDirectory();
  const path = join(site.dir, 'sub/.lock');
  const events: string[] = [];
  const first = await lockFile(path, { waitMs: 10_000 });
  const waits = Promise.withResolvers<void>();
  const waiting = lockFile(path, { waitMs: 10_000, onWait: waits.resolve }).then(async (second) => {
    events.push('second');
    await second[Symbol.asyncDispose]();
  });
  await waits.promise;
  events.push('first lets go');
  await first[Symbol.asyncDispose]();
  await waiting;
  assert.deepEqual(events, ['first lets go', 'second']);
});

test('lockFile() gives up after its time', async () => {
  await using site = await aDirectory();
  const path = join(site.dir, '.lock');
  await using _held = await lockFile(path, { waitMs: 10_000 });
  await assert.rejects(lockFile(path, { waitMs: 1000 }), { code: 'E_LOCKED' });
});

test('lockFile() does not wait where it is not to, and says who has it', async () => {
  await using site = await aDirectory();
  const path = join(site.dir, '.lock');
  await using _held = await lockFile(path, { waitMs: 0 });
  const message = `Cannot lock "${path}": another process holds it`;
  await assert.rejects(lockFile(path, { waitMs: 0 }), { code: 'E_LOCKED', message });
});

test('a lock that is held needs no process that somebody could end', async () => {
  await using site = await aDirectory();
  await using _held = await lockFile(join(site.dir, '.lock'), { waitMs: 10_000 });
  assert.equal(await readFile(`/proc/self/task/${process.pid}/children`, 'utf8'), '');
});

test('a file that cannot be locked is told apart from one that is held', async () => {
  await using site = await aDirectory();
  const path = join(site.dir, '.lock');
  await writeFile(path, '');
  // Linux: a descriptor that stands for the name only.
  const O_PATH = 0o10000000;
  await using name = await open(path, O_PATH);
  await assert.rejects(lockDescriptor(name.fd, { kind: 'exclusive', what: 'it' }), {
    code: 'E_FLOCK',
    message: /^Cannot lock it: flock of util-linux ended with exit code /,
  });
});

test('lockFile() stops waiting when it is told to', async () => {
  await using site = await aDirectory();
  const path = join(site.dir, '.lock');
  await using _held = await lockFile(path, { waitMs: 10_000 });
  const controller = new AbortController();
  const reason = new Error('enough');
  const waiting = lockFile(path, { waitMs: 60_000, signal: controller.signal, onWait: () => controller.abort(reason) });
  await assert.rejects(waiting, reason);
});

test('the lock ends with its holder, also when that is killed', async () => {
  await using site = await aDirectory();
  const path = join(site.dir, '.lock');
  const program = `
    const { lockFile } = await import(${JSON.stringify(import.meta.resolve('./file-lock.ts'))});
    await lockFile(${JSON.stringify(path)}, { waitMs: 10000 });
    process.stdout.write('held');
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  holder.kill('SIGKILL');
  await using _lock = await lockFile(path, { waitMs: 10_000 });
});

test('lockFile() leaves no file that others may lock, also where one was there', async () => {
  await using site = await aDirectory();
  const path = join(site.dir, '.lock');
  await writeFile(path, '');
  await chmod(path, 0o644);
  await using _held = await lockFile(path, { waitMs: 10_000 });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('who waits for a lock whose file its holder removes has that of the new file, alone', async () => {
  await using site = await aDirectory();
  const path = join(site.dir, '.lock');
  const first = await lockFile(path, { waitMs: 0 });
  const waits = Promise.withResolvers<void>();
  const waiting = lockFile(path, { waitMs: 10_000, onWait: waits.resolve });
  await waits.promise;
  await first.remove();
  await first[Symbol.asyncDispose]();
  await using _second = await waiting;
  await assert.rejects(lockFile(path, { waitMs: 0 }), { code: 'E_LOCKED' });
});
