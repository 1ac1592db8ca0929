import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { VtorqueError } from '../../base/index.ts';

/** A terminal whose every byte comes and goes as it is. Disposing of it brings back what was set before. */
export interface RawTerminal extends AsyncDisposable {}

/**
 * What sets the terminal back is a process of its own, so that it also does when this one is killed. It ends when the
 * other end of its input closes, for whatever reason. It may be in the background by then, which TTOU would stop.
 */
const GUARDIAN = `trap '' TTOU TTIN TSTP INT QUIT HUP TERM; read -r _; exec stty "$0" <&3`;

const STTY_MS = 5000;

/**
 * Make the terminal on descriptor `fd` raw. stty does it, since Node's own raw mode still alters line ends of the output.
 * @throws VtorqueError `E_TERMINAL` when it is none
 */
export async function makeRaw(fd: number): Promise<RawTerminal> {
  const saved = stty(fd, ['-g']).trim();
  const guardian = spawn('/bin/sh', ['-c', GUARDIAN, saved], { stdio: ['pipe', 'ignore', 'ignore', fd] });
  const { stdin } = guardian;
  if (stdin === null) throw new Error('the process that guards the terminal has no input');
  stdin.on('error', () => {});
  await once(guardian, 'spawn');
  const ended = once(guardian, 'exit');
  const dispose = async (): Promise<void> => {
    stdin.end();
    await ended;
  };
  try {
    stty(fd, ['raw', '-echo']);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { [Symbol.asyncDispose]: dispose };
}

function stty(fd: number, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('stty', args, {
    stdio: [fd, 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: STTY_MS,
  });
  if (status === 0) return stdout;
  throw new VtorqueError('E_TERMINAL', `Cannot set the terminal: ${error?.message ?? stderr.trim()}`, {
    hint: 'Standard input must be a terminal, and the program stty be there',
  });
}
