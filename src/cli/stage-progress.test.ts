import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showStages } from './stage-progress.ts';

/** What a user would see on a stream. */
function aStream(isTTY: boolean): { isTTY: boolean; columns: number; text: string; write(text: string): void } {
  return {
    isTTY,
    columns: 40,
    text: '',
    write(text) {
      this.text += text;
    },
  };
}

test('showStages() writes plain lines where nobody watches', () => {
  const stream = aStream(false);
  {
    using stages = showStages(stream);
    stages.progress({ kind: 'start', stage: 'packages' });
    stages.progress({ kind: 'note', stage: 'packages', text: 'running apt-get update' });
    stages.progress({ kind: 'note', stage: 'packages', text: '17 %' });
    stages.progress({ kind: 'done', stage: 'packages', seconds: 12.34 });
    stages.progress({ kind: 'failed', stage: 'digest', seconds: 0.2 });
  }
  assert.equal(stream.text, '   packages ...\n      running apt-get update\nok packages 12.3 s\n!! digest 0.2 s\n');
});

test('showStages() moves in one line on a terminal and leaves only the results', () => {
  const stream = aStream(true);
  {
    using stages = showStages(stream);
    stages.progress({ kind: 'start', stage: 'packages' });
    stages.progress({ kind: 'note', stage: 'packages', text: 'a note that is far longer than the terminal is wide' });
    stages.progress({ kind: 'done', stage: 'packages', seconds: 1 });
    stages.progress({ kind: 'start', stage: 'digest' });
  }
  const drawn = stream.text.split('\r\x1b[K');
  assert.ok(drawn.every((line) => line.replace(/\n$/, '').length < stream.columns));
  assert.deepEqual(
    drawn.filter((line) => line.endsWith('\n')),
    ['ok packages 1.0 s\n'],
  );
  assert.equal(drawn.at(-1), '');
});
