import { VtorqueError } from '../../base/index.ts';
import type { Lease } from '../../node/leases/lease.ts';
import { run } from '../../process/index.ts';

/**
 * A user by his name, from wherever the node has its users.
 * @throws VtorqueError `E_USER_UNKNOWN`
 */
export async function ownerOf(name: string): Promise<Lease['owner']> {
  // Without options: a name never begins with a dash here.
  const { stdout } = await run(['getent', 'passwd', name]);
  const [, , uid = '', gid = ''] = stdout.toString().split('\n')[0]?.split(':') ?? [];
  if (/^\d+$/.test(uid) && /^\d+$/.test(gid)) return { name, uid: Number(uid), gid: Number(gid) };
  throw new VtorqueError(
    'E_USER_UNKNOWN',
    `Cannot serve the job of user "${name}": there is no such user on this node`,
    {
      hint: 'See whether the node reaches its directory of users: getent passwd',
    },
  );
}
