import { VtorqueError } from '../../base/index.ts';
import { CommandFailed, run } from '../run.ts';

/** How this process can make files that belong to many users, and run programs in a root directory of their own. */
export interface Privileges {
  /** mmdebstrap's word for it. */
  readonly mode: 'unshare' | 'root' | 'fakechroot';
  /** The command that runs `argv` as somebody to whom those files belong to whom they should. */
  asRoot(argv: readonly [string, ...string[]], work: string): readonly [string, ...string[]];
}

const PROBE_MS = 10_000;
const same: Privileges['asRoot'] = (argv) => argv;

/**
 * Find out by trying.
 * Root builds in mount and process namespaces of its own (mmdebstrap's `unshare`), so that nothing that a package's
 * script mounts or starts outlives the build; in a container that may not mount it builds without (`root`). Other
 * users build in a user namespace, and where the machine forbids that with programs that only pretend (`fakechroot`).
 * @throws VtorqueError `E_NO_PRIVILEGES`
 */
export async function findPrivileges(uid: number, signal?: AbortSignal): Promise<Privileges> {
  const works = (...argv: [string, ...string[]]): Promise<boolean> => succeeds(argv, signal);
  if (uid === 0) {
    const mode = (await works('unshare', '--mount', '--pid', '--ipc', '--uts', '--fork', 'true')) ? 'unshare' : 'root';
    return { mode, asRoot: same };
  }
  const inNamespace: [string, ...string[]] = ['unshare', '--map-auto', '--map-root-user', '--'];
  if (await works(...inNamespace, 'true')) {
    return { mode: 'unshare', asRoot: (argv) => [...inNamespace, ...argv] };
  }
  if ((await works('fakechroot', 'true')) && (await works('fakeroot', 'true'))) {
    const remember = (work: string): string[] => ['-i', `${work}/owners`, '-s', `${work}/owners`];
    return { mode: 'fakechroot', asRoot: (argv, work) => ['fakeroot', ...remember(work), '--', ...argv] };
  }
  throw new VtorqueError(
    'E_NO_PRIVILEGES',
    'Cannot build an image: this user may not make user namespaces with several users',
    {
      hint: 'Ask for a range of ids in /etc/subuid and /etc/subgid (package uidmap), for the packages fakeroot and fakechroot, or let root build the image',
    },
  );
}

async function succeeds(argv: readonly [string, ...string[]], signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await run(argv, { deadlineMs: PROBE_MS, signal });
    return true;
  } catch (error) {
    if (error instanceof CommandFailed) return false;
    if (error instanceof VtorqueError && error.code === 'E_TOOL_MISSING') return false;
    throw error;
  }
}
