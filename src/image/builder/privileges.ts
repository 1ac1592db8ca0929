import { VtorqueError } from '../../base/index.ts';
import { ToolFailed } from '../../process/index.ts';
import { run } from '../run.ts';

/** How this process can make files that belong to many users, and run programs in a root directory of their own. */
export interface Privileges {
  /** For people: what was found. */
  readonly kind: 'namespaces' | 'root' | 'fakechroot';
  /** mmdebstrap's way to work in what `command` gives it. */
  readonly mode: 'root' | 'fakechroot';
  /** The command that runs `argv` so that nothing of it outlives this process: mmdebstrap itself, the removal. */
  enclose(argv: Argv): Argv;
  /** The command that runs `argv` as somebody to whom the files of a build in `work` belong to whom they should. */
  command(argv: Argv, work: string): Argv;
}

type Argv = readonly [string, ...string[]];

const PROBE_MS = 10_000;
// Whatever a package's script mounts or starts ends with the first process of the namespace, and that one with ours.
const NAMESPACES = ['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--'];
const same = (argv: Argv): Argv => argv;

/**
 * Find out by trying.
 * A build runs in mount and process namespaces of its own, for other users than root in a user namespace too. In a
 * container that lets even root have none it runs without (`root`); where other users may have none, with programs
 * that only pretend (`fakechroot`).
 * @throws VtorqueError `E_NO_PRIVILEGES`
 */
export async function findPrivileges(uid: number, signal?: AbortSignal): Promise<Privileges> {
  const works = (argv: Argv): Promise<boolean> => succeeds(argv, signal);
  const asRoot = uid === 0 ? [] : ['--map-auto', '--map-root-user'];
  const inside = (argv: Argv): Argv => ['unshare', ...asRoot, ...NAMESPACES, ...argv];
  if (await works(inside(['true']))) return { kind: 'namespaces', mode: 'root', enclose: inside, command: inside };
  if (uid === 0) return { kind: 'root', mode: 'root', enclose: same, command: same };
  if ((await works(['fakechroot', 'true'])) && (await works(['fakeroot', 'true']))) {
    const pretend = (argv: Argv, work: string): Argv => {
      const owners = `${work}/owners`;
      return ['fakeroot', '-i', owners, '-s', owners, '--', ...argv];
    };
    return { kind: 'fakechroot', mode: 'fakechroot', enclose: same, command: pretend };
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
    await run(argv, { withinMs: PROBE_MS, signal });
    return true;
  } catch (error) {
    if (error instanceof ToolFailed) return false;
    if (error instanceof VtorqueError && error.code === 'E_TOOL_MISSING') return false;
    throw error;
  }
}
