import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';

/** Whom a test acts as. */
export interface TestUser extends Disposable {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** What stands before a command to run it as this user. */
  readonly become: readonly string[];
}

export const isRoot: boolean = process.getuid?.() === 0;

/** As root a new ordinary user, removed at the end; otherwise the user that runs the tests. */
export function aUser(options: { readonly groups?: readonly string[] } = {}): TestUser {
  if (!isRoot) {
    const { username, uid, gid, homedir } = userInfo();
    return { name: username, uid, gid, home: homedir, become: [], [Symbol.dispose]: () => {} };
  }
  const name = `vtt${randomBytes(4).toString('hex')}`;
  const groups = options.groups === undefined ? [] : ['--groups', options.groups.join(',')];
  execFileSync('useradd', ['--create-home', '--shell', '/bin/bash', ...groups, name], { timeout: 60_000 });
  const [, , uid = '', gid = '', , home = ''] = execFileSync('getent', ['passwd', name], { encoding: 'utf8' })
    .trimEnd()
    .split(':');
  return {
    name,
    uid: Number(uid),
    gid: Number(gid),
    home,
    become: ['setpriv', '--reuid', uid, '--regid', gid, '--init-groups', '--reset-env', '--'],
    [Symbol.dispose]: () => {
      // Its own warning that there is no mail box is not of interest.
      execFileSync('userdel', ['--remove', name], { timeout: 60_000, stdio: 'ignore' });
    },
  };
}
