import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Argument, Command, Option } from 'commander';
import { count } from './option-values.ts';
import { runProgram } from './run-program.ts';

/** What a program that is called with these words says. */
async function said(t: TestContext, ...words: string[]): Promise<string> {
  const start = new Command('start')
    .addArgument(new Argument('<engine>', '').choices(['torque', 'slurm']))
    .addOption(new Option('--nodes <n>', '').argParser(count))
    .action(() => {});
  let text = '';
  const writing = t.mock.method(process.stderr, 'write', (part: string) => {
    text += part;
    return true;
  });
  const code = await runProgram(new Command('prog').addCommand(start), words);
  writing.mock.restore();
  assert.equal(code, 2);
  return text;
}

test('wrong usage is told with what is allowed, else with where that is told', async (t) => {
  const cannot = 'prog: Cannot read the command line: ';
  assert.equal(
    await said(t, 'start', 'pbs'),
    `${cannot}value "pbs" is invalid for argument "engine"\n  hint: Allowed choices are torque, slurm\n`,
  );
  assert.equal(
    await said(t, 'start', 'slurm', '--nodes', 'x.y'),
    `${cannot}option "--nodes <n>" argument "x.y" is invalid\n  hint: It is a number from 1 to 9999\n`,
  );
  assert.equal(await said(t, 'start'), `${cannot}missing required argument "engine"\n  hint: See prog start --help\n`);
  assert.equal(await said(t, 'stat'), `${cannot}unknown command "stat"\n  hint: Did you mean start?\n`);
});
