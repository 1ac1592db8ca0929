import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HookLogs } from './logs.ts';

async function withLogs(run: (logs: HookLogs, directory: string, told: string[]) => Promise<void>): Promise<void> {
  const base = await mkdtemp(join(tmpdir(), 'vtt-'));
  const directory = join(base, 'jobs/7.head.hooks');
  const told: string[] = [];
  const record = (text: string): void => void told.push(`record: ${text}`);
  const say = (text: string): void => void told.push(`say: ${text}`);
  try {
    await run(new HookLogs({ directory, record, say }), directory, told);
  } finally {
    await rm(base, { recursive: true });
  }
}

test('HookLogs keeps what each hook prints, in its order, for the user alone', () =>
  withLogs(async (logs, directory) => {
    for (let i = 0; i < 100; i++) logs.log('v1.prologue.log', Buffer.from(`${i}\n`));
    logs.log('../../v2.log', Buffer.from('x'));
    await logs.flush();
    const text = await readFile(join(directory, 'v1.prologue.log'), 'utf8');
    assert.equal(text, Array.from({ length: 100 }, (_, i) => `${i}\n`).join(''));
    assert.deepEqual((await readdir(directory)).sort(), ['v1.prologue.log', 'v2.log']);
    assert.equal((await stat(join(directory, 'v2.log'))).mode & 0o777, 0o600);
  }));

test('HookLogs makes no directory when nothing is printed', () =>
  withLogs(async (logs, directory) => {
    await logs.flush();
    await assert.rejects(stat(directory));
  }));

test('HookLogs records every end, and tells the user of an epilogue that failed', () =>
  withLogs(async (logs, directory, told) => {
    logs.ended({ vm: 'v1', hook: 'prologue', how: 'ended with exit code 1', good: false });
    logs.ended({ vm: 'v1', hook: 'vm_epilogue', how: 'ended with exit code 0', good: true });
    logs.ended({ vm: 'v1', hook: 'epilogue.precancel', how: 'was killed', good: false });
    assert.deepEqual(
      told.map((text) => text.replaceAll(directory, 'DIR')),
      [
        'record: prologue in v1 ended with exit code 1; its output is in DIR',
        'record: vm_epilogue in v1 ended with exit code 0; its output is in DIR',
        'record: epilogue.precancel in v1 was killed; its output is in DIR',
        'say: epilogue.precancel in v1 was killed; its output is in DIR on the first node',
      ],
    );
  }));

test('HookLogs does not fail the job when its directory cannot be made', async () => {
  const logs = new HookLogs({ directory: '/dev/null/x', record: () => {}, say: () => {} });
  logs.log('v1.log', Buffer.from('x'));
  await logs.flush();
});
