import { VtorqueError } from '../../base/index.ts';
import { run, start } from '../../process/index.ts';

/** A terminal whose every byte comes and goes as it is. Disposing of it brings back what was set before. */
export interface RawTerminal extends AsyncDisposable {}

/**
 * What sets the terminal back is a process of its own, so that it also does when this one is killed. It ends when the
 * other end of its input closes, for whatever reason. It may be in the background by then, which TTOU would stop.
 */
const GUARDIAN = `trap '' TTOU TTIN TSTP INT QUIT HUP TERM; read -r _; exec stty "$0" <&3`;

/**
 * Make the terminal on descriptor `fd` raw. stty does it, since Node's own raw mode still alters line ends of the output.
 * @throws VtorqueError `E_TERMINAL` when it is none
 */
export async function makeRaw(fd: number): Promise<RawTerminal> {
  const saved = await stty(fd, '-g');
  const guardian = start(['/bin/sh', '-c', GUARDIAN, saved], {
    ...{ tie: 'free', env: process.env, stdio: ['pipe', 'ignore', 'ignore', fd] },
  });
  await guardian.begun;
  const stdin = guardian.pipe(0).on('error', () => {});
  const dispose = async (): Promise<void> => {
    stdin.end();
    await guardian.ended;
  };
  try {
    await stty(fd, 'raw', '-echo');
  } catch (error) {
    await dispose();
    throw error;
  }
  return { [Symbol.asyncDispose]: dispose };
}

async function stty(fd: number, ...words: readonly string[]): Promise<string> {
  const { code, stdout, said, ending } = await run(['stty', ...words], { input: fd });
  if (code === 0) return stdout.toString().trim();
  throw new VtorqueError('E_TERMINAL', `Cannot set the terminal: ${said[0] ?? ending}`, {
    hint: 'Standard input must be a terminal, and the program stty be there',
  });
}
