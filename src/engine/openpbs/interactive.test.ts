import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { interactiveCommand } from './interactive.ts';

test('each word reaches qsub as it is, at a terminal', () => {
  const words = ['-v', `A=it's "b" $HOME *`, '', 'x y'];
  // What stands for qsub here prints whether it has a terminal, and its words.
  const program = ['-c', 'test -t 0 && test -t 1 && printf "[%s]" "$@"', 'sh', ...words];
  const [script, ...args] = interactiveCommand('/bin/sh', [], program);
  const at = args.findIndex((arg) => arg.startsWith('exec '));
  const command = args[at]?.replace(' -I -- ', ' ') ?? '';
  const said = execFileSync(script, args.with(at, command), { encoding: 'utf8', timeout: 20_000 });
  assert.equal(said, words.map((word) => `[${word}]`).join(''));
  assert.match(args[at] ?? '', /^exec \/bin\/sh -I -- -c /);
});
