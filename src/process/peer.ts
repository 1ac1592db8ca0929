import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

const LOOKUP_MS = 10_000;

/**
 * Who is at the other end of a local connection, as the kernel noted when it was made: nobody can claim to be somebody else.
 * @param helper path of the program `account`, which gets the connection itself as its standard input
 * @returns the user's number
 */
export async function peerOf(helper: string, socket: Socket): Promise<number> {
  const child = spawn(helper, ['peer'], {
    stdio: [socket, 'pipe', 'ignore'],
    timeout: LOOKUP_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once('error', reject);
  child.once('close', () => resolve());
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await promise;
  const [, uid] = /^uid (\d+)\n$/.exec(output) ?? [];
  if (uid === undefined) throw new Error('the owner of a connection is not known');
  return Number(uid);
}
