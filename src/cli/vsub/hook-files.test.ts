import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { effectiveOptions, walkQsubArgs } from '../../pbs/index.ts';
import { completeRequest } from '../../request/index.ts';
import { hookedJob, readUserHooks } from './hook-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'vtt-'));
after(() => rmSync(directory, { recursive: true }));

function aFile(content: string | Uint8Array): string {
  const path = join(directory, 'hook');
  writeFileSync(path, content);
  return path;
}

const read = (file: string, interactive = false) =>
  readUserHooks(completeRequest({ vmPrologue: { file, where: 'first' } }), interactive);
const refused = (message: RegExp) => ({ code: 'E_HOOK_FILE', phase: 'check', exitCode: 1, message });

test('readUserHooks() reads the file as it is now', async () => {
  const base64 = Buffer.from('#!/bin/sh\nexit 3\n').toString('base64');
  assert.deepEqual(await read(aFile('#!/bin/sh\nexit 3\n')), { vm_prologue: { name: 'hook', base64, where: 'first' } });
  assert.equal(await readUserHooks(completeRequest({}), false), undefined);
});

test('readUserHooks() refuses what cannot be run in a guest', async () => {
  await assert.rejects(read(join(directory, 'none')), refused(/none": there is no such file$/));
  await assert.rejects(read(directory), refused(/it is no file$/));
  await assert.rejects(read(aFile('echo hello\n')), refused(/it does not begin with #!$/));
  await assert.rejects(read(aFile('')), refused(/it does not begin with #!$/));
  await assert.rejects(read(aFile('#!/bin/sh\r\necho\r\n')), refused(/line ends of DOS$/));
  const large = aFile(`#!/bin/sh\n${'#\n'.repeat(10_000)}`);
  await assert.doesNotReject(read(large));
  await assert.rejects(read(large, true), refused(/20010 bytes, more than 16K$/));
  await assert.rejects(read(aFile(`#!${'x'.repeat(2 ** 16)}`)), refused(/65538 bytes, more than 64K$/));
});

test('hookedJob() has what -l and -A ask for', () => {
  const argv = ['-l', 'nodes=1:ppn=2,walltime=1:00', '-A', 'acc', '-l', 'mem=1gb'];
  const { resources, account } = hookedJob(effectiveOptions(walkQsubArgs(argv).options, []));
  assert.deepEqual([resources, account], ['nodes=1:ppn=2,walltime=1:00,mem=1gb', 'acc']);
  assert.deepEqual(hookedJob(effectiveOptions([], [])), { resources: '', account: '' });
});
