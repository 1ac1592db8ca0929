import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { exampleCommands } from './examples.ts';
import { pathOf } from './help-layout.ts';
import { settle } from './run-program.ts';
import { vmgrProgram } from './vmgr.ts';
import { vtorqueProgram } from './vtorque.ts';

const withAllBelow = (command: Command): Command[] => [command, ...command.commands.flatMap(withAllBelow)];
const all = [vmgrProgram(), vtorqueProgram()].flatMap((program) => {
  settle(program, () => undefined);
  return withAllBelow(program);
});

test('the help of every command fits on a screen of 80 by 24', () => {
  for (const command of all) {
    const lines = command.helpInformation().trimEnd().split('\n');
    assert.ok(lines.length <= 24, `${pathOf(command)} has ${lines.length} lines`);
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
      pathOf(command),
    );
  }
});

test('every description begins small, since a list of commands is no row of sentences, and has no full stop', () => {
  for (const command of all.filter(({ parent }) => parent !== null)) {
    assert.match(command.description(), /^[a-z].*[^.]$/, pathOf(command));
  }
});

test('examples belong to commands that there are', () => {
  const known = all.map(pathOf);
  assert.deepEqual(
    exampleCommands.filter((path) => !known.includes(path)),
    [],
  );
});
