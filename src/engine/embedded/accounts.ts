import type { Socket } from 'node:net';
import { peerOf, run, succeeded } from '../../process/index.ts';
import type { Account } from './environment.ts';

/** Submitting and starting a job ask for the same account twice; a change of groups still counts for the next job. */
const REMEMBERED_MS = 5000;

/** Who is who on this machine. */
export interface Accounts {
  /** The user at the other end of a connection. */
  peer(socket: Socket): Promise<number>;
  /** Undefined: there is no such user (any more). */
  account(uid: number): Promise<Account | undefined>;
}

/**
 * Accounts as the kernel and the machine's name service know them, asked through the helper program.
 * @param helper path of the program `account`
 * @param serverUid whom the daemon runs as. An instance of an ordinary user is closed to others by its directory's mode, so
 *   whoever connects is he (or root, who may do anything).
 */
export function machineAccounts(helper: string, serverUid: number): Accounts {
  const known = new Map<number, { readonly account: Promise<Account | undefined>; readonly since: number }>();
  return {
    peer: async (socket) => (serverUid === 0 ? peerOf(helper, socket) : serverUid),
    account: (uid) => {
      const entry = known.get(uid);
      if (entry !== undefined && performance.now() - entry.since < REMEMBERED_MS) return entry.account;
      const account = askAccount(helper, uid);
      known.set(uid, { account, since: performance.now() });
      account.catch(() => known.delete(uid));
      return account;
    },
  };
}

/** What the helper ends with. */
const UNKNOWN = 3;

async function askAccount(helper: string, uid: number): Promise<Account | undefined> {
  const ran = await run([helper, 'user', String(uid)]);
  if (ran.code === UNKNOWN) return undefined;
  const lines = succeeded(ran).stdout.toString().trimEnd().split('\n');
  const values = (key: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []));
  const [gid = ''] = values('gid');
  return {
    uid,
    gid: Number(gid),
    name: values('name')[0] ?? String(uid),
    home: values('home')[0] ?? '/',
    shell: values('shell')[0] ?? '/bin/sh',
    groups: values('group').map(Number),
    groupName: values('group_name')[0] ?? gid,
  };
}
