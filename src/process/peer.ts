import type { Socket } from 'node:net';
import { runTool } from './run.ts';

/**
 * Who is at the other end of a local connection, as the kernel noted when it was made: nobody can claim to be somebody else.
 * @param helper path of the program `account`, which gets the connection itself as its standard input
 * @returns the user's number
 * @throws VtorqueError as `runTool`
 */
export async function peerOf(helper: string, socket: Socket): Promise<number> {
  const output = await runTool([helper, 'peer'], { input: socket });
  const [, uid] = /^uid (\d+)\n$/.exec(output) ?? [];
  if (uid === undefined) throw new Error('the owner of a connection is not known');
  return Number(uid);
}
