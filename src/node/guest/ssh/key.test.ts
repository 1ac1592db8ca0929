import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { newSshKey } from './key.ts';

const skip = !existsSync('/usr/bin/ssh-keygen') && 'no ssh-keygen here';

test('newSshKey() writes what OpenSSH reads, and what it signs is good by the public key', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'vtt-key-'));
  const file = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const keygen = (...args: readonly string[]): string =>
    execFileSync('ssh-keygen', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    // Comments of any length: each needs its own padding.
    for (let length = 0; length < 9; length++) {
      const comment = 'c'.repeat(length);
      const key = newSshKey(comment);
      const path = file(`key${length}`, key.privateKey);
      assert.equal(keygen('-y', '-f', path).trim(), `${key.publicKey} ${comment}`.trim());
      const message = file('message', 'hello');
      keygen('-Y', 'sign', '-n', 'test', '-f', path, message);
      const allowed = file('allowed', `me ${key.publicKey}\n`);
      const verify = ['-Y', 'verify', '-n', 'test', '-I', 'me', '-f', allowed, '-s', `${message}.sig`];
      execFileSync('ssh-keygen', verify, { input: 'hello', stdio: ['pipe', 'ignore', 'pipe'] });
      rmSync(`${message}.sig`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('newSshKey() makes another key each time', () => {
  assert.notEqual(newSshKey('a').publicKey, newSshKey('a').publicKey);
});
