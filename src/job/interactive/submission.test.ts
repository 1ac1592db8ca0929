import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interactiveWord, readInteractiveWord } from './submission.ts';

const submission = {
  request: { img: 'host', vcpus: 1, ram: 2 ** 30, env: { A: 'b "c"' } },
  variables: { names: ['A'], all: false },
  command: `printf '%s\\n' "$HOME" ü; exit 3`,
  terminalType: 'xterm-256color',
  token: '00',
};

test('a submission survives as one word that no shell changes', () => {
  const word = interactiveWord(submission);
  assert.match(word, /^[\w-]+$/);
  assert.deepEqual(readInteractiveWord(word), submission);
});

test('a word that was cut, or comes from another version, is refused', () => {
  assert.throws(() => readInteractiveWord(interactiveWord(submission).slice(0, 60)), { code: 'E_SUBMISSION_DAMAGED' });
  const other = Buffer.from('{"version":2}').toString('base64url');
  assert.throws(() => readInteractiveWord(other), { code: 'E_SUBMISSION_VERSION', phase: 'submit' });
});
