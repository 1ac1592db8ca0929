import { release } from 'node:os';
import { run } from '../process/index.ts';
import { virtiofsdThere } from './virtiofsd.ts';

/** How the guest reaches the user's directories. */
export type Transport = 'virtiofs' | '9p';

export interface TransportChoice {
  readonly transport: Transport;
  /** Of what may not be written to. */
  readonly readonlyTransport: Transport;
  readonly reason: string;
}

export interface TransportFacts {
  readonly virtiofsd: boolean;
  /** Whether an ordinary user may make a user namespace here. */
  readonly userNamespaces: boolean;
  /** As `uname -r`. */
  readonly kernelRelease: string;
  /** What the site wants; `auto` leaves it to us. */
  readonly wanted?: 'auto' | '9p';
}

/**
 * virtiofs is many times faster on small files (1,500 of them unpacked: 10 s against 64 s with 9p, QEMU 7.2, TCG). 9p
 * needs nothing but QEMU. Both serve with the user's rights. Pure.
 */
export function chooseTransport(facts: TransportFacts): TransportChoice {
  const always9p = (reason: string): TransportChoice => ({ transport: '9p', readonlyTransport: '9p', reason });
  if (facts.wanted === '9p') return always9p('the site says so');
  if (!facts.virtiofsd) return always9p('no virtiofsd here');
  if (!facts.userNamespaces) return always9p('users may not make user namespaces here');
  const [major = 0, minor = 0] = facts.kernelRelease.split('.').map((part) => Number.parseInt(part, 10));
  // virtiofsd can be made to refuse writing from Linux 5.12 on, which has mount_setattr(2).
  const readonlyTransport = major > 5 || (major === 5 && minor >= 12) ? 'virtiofs' : '9p';
  return { transport: 'virtiofs', readonlyTransport, reason: 'virtiofsd can run as this user' };
}

/** What `chooseTransport` chooses for this user on this node. */
export async function transportHere(
  { uid, gid }: { readonly uid: number; readonly gid: number },
  wanted: TransportFacts['wanted'],
): Promise<TransportChoice> {
  const [virtiofsd, userNamespaces] = await Promise.all([virtiofsdThere(), canMakeUserNamespace(uid, gid)]);
  return chooseTransport({ virtiofsd, userNamespaces, kernelRelease: release(), ...(wanted && { wanted }) });
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
  return (await run([program, ...args])).code === 0;
}
