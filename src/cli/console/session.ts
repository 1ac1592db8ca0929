import { once } from 'node:events';
import type { Socket } from 'node:net';
import { CONSOLE_TOKEN, type ConsoleGreeting, greetingLine } from '../../job/console/greeting.ts';
import { type FromJob, JobReader, lineToJob, type ToJob } from '../../job/interactive/lines.ts';
import { makeRaw, type RawTerminal } from '../terminal/raw-terminal.ts';
import { terminalSize } from '../terminal/size.ts';

/**
 * Be the terminal of a shell at the other end of `socket`, or say that no VM is to be kept.
 * @returns the exit code of the shell; undefined when the connection ended before it
 */
export async function consoleSession(
  socket: Socket,
  wish: ConsoleGreeting['wish'],
  rank: number,
): Promise<number | undefined> {
  const { stdin, stdout, env } = process;
  const say = (message: ToJob): boolean => socket.write(lineToJob(message));
  const tellSize = (): void => {
    const size = terminalSize();
    if (size !== undefined) say({ kind: 'size', ...size });
  };
  let raw: RawTerminal | undefined;
  let code: number | undefined;
  const take = async (message: FromJob | { readonly kind: 'text' }): Promise<void> => {
    if (message.kind === 'output') {
      if (!stdout.write(message.bytes)) await once(stdout, 'drain');
    } else if (message.kind === 'exit') code = message.code;
    else if (message.kind === 'hello') {
      tellSize();
      stdout.on('resize', tellSize);
    } else if (message.kind === 'begin') {
      raw = await makeRaw(0);
      stdin.on('error', () => socket.destroy());
      // A raw terminal has no end but that it hangs up.
      stdin.on('end', () => socket.destroy());
      stdin.on('data', (bytes: Buffer) => {
        if (say({ kind: 'input', bytes })) return;
        stdin.pause();
        socket.once('drain', () => stdin.resume());
      });
    }
  };
  const reader = new JobReader(CONSOLE_TOKEN);
  socket.write(greetingLine({ version: 1, terminalType: env.TERM || 'dumb', wish, rank }));
  try {
    for await (const chunk of socket) {
      for (const message of reader.read(chunk as Buffer)) await take(message);
    }
  } catch {
    // A launcher that was killed; what it said last counts.
  } finally {
    stdout.off('resize', tellSize);
    await raw?.[Symbol.asyncDispose]();
    stdin.destroy();
  }
  return code;
}
