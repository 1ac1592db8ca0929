import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { messageOf, within } from '../base/index.ts';
import type { LinkKey } from './keys.ts';
import { linkTls } from './tls.ts';

/** Where another process of the job listens. */
export interface PeerPlace {
  /** Names or addresses, the likeliest first. */
  readonly hosts: readonly string[];
  readonly port: number;
}

/** Until the next address is tried. */
const ANSWER_MS = 5_000;
/** One process proves itself to all others of a large job, one after the other. */
const PROOF_MS = 30_000;

/**
 * Connect to another process of the job and prove to be of it, as that one does.
 * @param unreachable makes the error from what each address answered
 * @throws what `unreachable` makes, or the signal's reason
 */
export async function connectToPeer(
  { hosts, port }: PeerPlace,
  { identity, key }: LinkKey,
  unreachable: (answers: readonly string[]) => Error,
  signal?: AbortSignal,
): Promise<TLSSocket> {
  const answers: string[] = [];
  for (const host of hosts) {
    const socket = connect({
      ...linkTls,
      ...{ host, port },
      pskCallback: () => ({ psk: key, identity }),
      // There is no certificate: who knows the key is the one.
      checkServerIdentity: () => undefined,
    });
    try {
      const proved = once(socket, 'secureConnect');
      proved.catch(() => {});
      await within(once(socket, 'connect'), { ms: ANSWER_MS, late: () => new Error('no answer'), signal });
      await within(proved, { ms: PROOF_MS, late: () => new Error('no proof that it is of the job'), signal });
      return socket;
    } catch (error) {
      socket.on('error', () => {});
      socket.destroy();
      signal?.throwIfAborted();
      answers.push(`${host}: ${messageOf(error)}`);
    }
  }
  throw unreachable(answers);
}
