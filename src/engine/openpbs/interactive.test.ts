import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { interactiveCommand } from './interactive.ts';

test('each word reaches qsub as it is, at a terminal, whatever shell the user has', () => {
  const words = ['-v', `A=it's "b" $HOME *`, '', 'x y'];
  // What stands for qsub here prints whether it has a terminal, the user's shell, and its words.
  const program = ['-c', 'test -t 0 && test -t 1 && printf "[%s]" "$SHELL" "$@"', 'sh', ...words];
  const [env, ...args] = interactiveCommand('/bin/sh', [], program, '/bin/tcsh');
  const at = args.findIndex((arg) => arg.startsWith('exec '));
  assert.match(args[at] ?? '', /^exec env SHELL=\/bin\/tcsh \/bin\/sh -I -- -c /);
  const command = args[at]?.replace(' -I -- ', ' ') ?? '';
  const said = execFileSync(env, args.with(at, command), {
    ...{ encoding: 'utf8', timeout: 20_000 },
    env: { ...process.env, SHELL: '/bin/false' },
  });
  assert.equal(said, ['/bin/tcsh', ...words].map((word) => `[${word}]`).join(''));
});
