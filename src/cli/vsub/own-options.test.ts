import assert from 'node:assert/strict';
import { test } from 'node:test';
import { walkQsubArgs } from '../../pbs/index.ts';
import { checkNearlyOwn, ownWords } from './own-options.ts';

const check = (...argv: string[]): void => checkNearlyOwn(walkQsubArgs(argv, { own: ownWords }).options);

test('a mistyped option of ours is refused with the one that was meant', () => {
  assert.throws(() => check('--exlpain', 'job.sh'), {
    code: 'E_OPTION_UNKNOWN',
    exitCode: 2,
    message: 'Cannot use the option "--exlpain": there is no such option',
    hint: 'Did you mean "--explain"? All options: vsub --help',
  });
  assert.throws(() => check('--dryrun'), { hint: /"--dry-run"/ });
});

test("what is qsub's, or near to nothing of ours, is left to qsub", () => {
  check('--version');
  check('--about');
  check('-N', '--exlpain', '-v', 'm');
  check('--', '--exlpain');
});
