import assert from 'node:assert/strict';
import type { AtTerminal } from './terminal.ts';

/** The shell's answer to a command, told apart from the echo of what was typed. */
export async function answer(terminal: AtTerminal, command: string): Promise<string> {
  terminal.type(`echo "<"$(${command})">"\r`);
  return (await terminal.expect(/<([^"$]*)>\r[^$]*\$ /))[1] ?? '';
}

/** Ctrl-C reaches the program in the foreground, and not the shell. */
export async function interruptsForeground(terminal: AtTerminal): Promise<void> {
  terminal.type('echo start""ed; cat\r');
  await terminal.expect(/started\r\n/);
  terminal.type('to cat\r');
  await terminal.expect(/to cat\r\nto cat\r\n/);
  terminal.type('\x03');
  await terminal.expect(/\^C[^$]*\$ /);
  assert.equal(await answer(terminal, 'echo $?'), '130');
}

/** The shell has a terminal of 80 columns, which follows the user's. */
export async function followsTheWindow(terminal: AtTerminal): Promise<void> {
  assert.match(await answer(terminal, 'tty'), /^\/dev\/pts\/\d+$/);
  assert.equal(await answer(terminal, 'stty size'), '24 80');
  terminal.type('trap "stty size" WINCH; echo ar""med\r');
  // A size that changes while bash gets its prompt ready would be told at the next command.
  await terminal.expect(/armed\r[^$]*\$ /);
  terminal.resize(132, 50);
  await terminal.expect(/50 132\r/);
}
