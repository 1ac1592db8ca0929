import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { factsOf, readFacts, removeFacts, writeFacts } from './facts.ts';

const skip = process.getuid?.() === 0 ? false : 'not root';

test('what was prepared is told to all by root, and by nobody else', { skip }, async () => {
  const directory = join(await mkdtemp(join(tmpdir(), 'vtt-facts-')), 'jobs');
  const mask = process.umask(0o077);
  try {
    const facts = factsOf({ refused: 'no' }, { bridge: 'br0', mtu: 1500, taps: [{ ifname: 't', mac: 'm', slot: 1 }] });
    await writeFacts('a', facts, directory);
    assert.equal((await stat(join(directory, 'a.json'))).mode & 0o777, 0o644);
    assert.equal((await stat(directory)).mode & 0o777, 0o755);
    const read = await readFacts((name) => name === 'a', directory);
    assert.deepEqual(read?.job, { refused: 'no' });
    assert.deepEqual(read?.site, { bridge: 'br0', mtu: 1500, taps: [{ ifname: 't', mac: 'm' }] });
    assert.equal(await readFacts((name) => name === 'b', directory), undefined);
    await chmod(directory, 0o777);
    assert.equal(await readFacts(() => true, directory), undefined);
    await removeFacts('a', directory);
    assert.deepEqual(await readdir(directory), []);
    assert.equal(await readFacts(() => true, join(directory, 'none')), undefined);
  } finally {
    process.umask(mask);
    await rm(join(directory, '..'), { recursive: true });
  }
});
