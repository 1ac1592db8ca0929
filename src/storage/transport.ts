import { spawnBound } from '../process/index.ts';

/** How the guest reaches the user's directories. */
export type Transport = 'virtiofs' | '9p';

export interface TransportChoice {
  readonly transport: Transport;
  readonly reason: string;
}

export interface TransportFacts {
  readonly virtiofsd: boolean;
  /** Whether an ordinary user may make a user namespace here. */
  readonly userNamespaces: boolean;
  /** What the site wants; `auto` leaves it to us. */
  readonly wanted?: 'auto' | '9p';
}

/**
 * virtiofs is many times faster on small files (1,500 of them unpacked: 10 s against 64 s with 9p, QEMU 7.2, TCG). 9p
 * needs nothing but QEMU. Both serve with the user's rights. Pure.
 */
export function chooseTransport(facts: TransportFacts): TransportChoice {
  if (facts.wanted === '9p') return { transport: '9p', reason: 'the site says so' };
  if (!facts.virtiofsd) return { transport: '9p', reason: 'no virtiofsd here' };
  if (!facts.userNamespaces) return { transport: '9p', reason: 'users may not make user namespaces here' };
  return { transport: 'virtiofs', reason: 'virtiofsd can run as this user' };
}

/** Whether this user can make the namespace that virtiofsd needs; sites and distributions may forbid it. Root can ask for another. */
export async function canMakeUserNamespace(uid: number, gid: number): Promise<boolean> {
  const asOther = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'];
  const unshare = [
    'unshare',
    '--user',
    `--map-user=${uid}`,
    `--map-group=${gid}`,
    '--keep-caps',
    '--mount',
    '--',
    'true',
  ];
  const [program = '', ...args] = [...(process.getuid?.() === uid ? [] : asOther), ...unshare];
  const trial = await spawnBound({
    program,
    args,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    descriptors: [],
    phase: 'storage',
  });
  return (await trial.ended).code === 0;
}
