import { execFileSync } from 'node:child_process';
import { VtorqueError } from '../../src/base/index.ts';

export interface DemoUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

const name = 'vtorque-demo';

/** The ordinary user that submits when root runs the demo; made when it is not there. */
export function demoUser(): DemoUser {
  const known = lookUp();
  if (known !== undefined) return known;
  process.stdout.write(`creating user "${name}"; "userdel -r ${name}" removes it\n`);
  execFileSync('useradd', ['--create-home', '--shell', '/bin/bash', '--comment', 'vTorque demonstration', name], {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 60_000,
  });
  const made = lookUp();
  if (made === undefined) throw new VtorqueError('E_DEMO_USER', `Cannot create user "${name}": it is not in passwd`);
  return made;
}

function lookUp(): DemoUser | undefined {
  try {
    const line = execFileSync('getent', ['passwd', name], { encoding: 'utf8', timeout: 60_000 });
    const [, , uid, gid, , home = '/'] = line.trimEnd().split(':');
    return { name, uid: Number(uid), gid: Number(gid), home };
  } catch (error) {
    // getent's exit code for "no such key".
    if ((error as { status?: number }).status === 2) return undefined;
    throw error;
  }
}
