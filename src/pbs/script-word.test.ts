import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstLook } from './script-word.ts';

const script = (...argv: string[]): string | undefined => firstLook(argv).script?.text;

test('the script is the first word that is neither an option nor the value of one', () => {
  assert.equal(script('-l', 'nodes=1', '-h', 'job.sh', '-N', 'x'), 'job.sh');
  assert.equal(script('-lnodes=1', 'job.sh'), 'job.sh');
  assert.equal(script('-I', 'job.sh'), 'job.sh');
});

test('without a script, with a dash or an empty word it comes on standard input', () => {
  assert.equal(script('-h', '-N', 'x'), undefined);
  assert.equal(script('-'), undefined);
  assert.equal(script(''), undefined);
  assert.equal(script('-', 'job.sh'), undefined);
});

test('two dashes swallow the word behind them, as in qsub', () => {
  assert.equal(script('--', 'ok.sh'), undefined);
  assert.equal(script('-h', '--', 'ok.sh', 'a'), 'a');
});

test('only the first letter of a word counts, as in qsub', () => {
  assert.equal(script('-hN', 'name', 'job.sh'), 'name');
  assert.equal(script('-vm', 'ok.sh'), 'ok.sh');
  assert.equal(script('--vm', 'foo', 'ok.sh'), 'foo');
});

test('the directive prefix is the word behind -C, attached or not', () => {
  assert.equal(firstLook(['-C', '#VM', 'job.sh']).prefix, '#VM');
  assert.equal(firstLook(['-C', '', 'job.sh']).prefix, '');
  assert.equal(firstLook(['-C#VM', 'job.sh']).prefix, 'job.sh');
  assert.equal(firstLook(['job.sh', '-C', '#VM']).prefix, undefined);
});

test('--version and --about are seen anywhere', () => {
  assert.equal(firstLook(['-N', '--version']).early, 'version');
  assert.equal(firstLook(['job.sh', '--about']).early, 'about');
  assert.equal(firstLook(['job.sh']).early, undefined);
});

test('the value of -R, which only OpenPBS has, is not the script', () => {
  assert.equal(firstLook(['-R', 'oe', 'job.sh']).script?.text, 'job.sh');
});
