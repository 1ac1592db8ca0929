import type { CallOptions } from './connection.ts';
import { type ExecSpec, execPayload } from './exec-spec.ts';

type Owned = { readonly mode: number; readonly uid: number; readonly gid: number };
type Call = (
  name: string,
  args: readonly (string | Uint8Array)[],
  options: CallOptions & { readonly action: string },
) => Promise<readonly Buffer[]>;

export interface MountSpec {
  readonly source: string;
  /** Made if it is missing. */
  readonly target: string;
  readonly type: string;
  /** Sum of mount(2)'s MS_ flags. */
  readonly flags: number;
  readonly options: string;
  /** Milliseconds to wait for a device that is not there yet. */
  readonly waitMs: number;
}

export interface RootSpec {
  /** `overlay`: over what is mounted on `/lower`, with the changes in memory; `direct`: what is mounted on `/new`. */
  readonly kind: 'overlay' | 'direct';
  /** Options of the tmpfs that takes the changes, for instance `size=50%`. */
  readonly upperOptions?: string;
  /** Further options of the overlay. */
  readonly overlayOptions?: string;
  /** Directories that get an empty tmpfs with these options. */
  readonly directories?: readonly { readonly path: string; readonly options: string }[];
}

export interface NetSpec {
  readonly iface: string;
  /** IPv4 address and prefix length: `10.0.2.15/24`. */
  readonly address?: string;
  readonly gateway?: string;
  readonly mac?: string;
  readonly mtu?: number;
  /** Milliseconds to wait for the interface. */
  readonly waitMs: number;
}

export interface ServeSpec {
  /** IPv4, of the guest, now or later; 0.0.0.0: any. */
  readonly address: string;
  readonly port: number;
  /** Its first word is an absolute path. Its input, outputs and terminal are none of its own. */
  readonly program: Pick<ExecSpec, 'argv' | 'env' | 'uid' | 'gid' | 'groups' | 'umask' | 'limits'>;
}

/**
 * What the guest can be told to do. Calls may be made without waiting for each other's answers: they run in order.
 * All throw GuestCallError (`E_GUEST_CALL`) when the guest cannot, `E_GUEST_LOST` when it is gone.
 */
export class GuestCalls {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  /** @returns the bytes sent */
  async ping(bytes: Uint8Array = Buffer.alloc(0), signal?: AbortSignal): Promise<Buffer> {
    const [echo = Buffer.alloc(0)] = await this.#call('ping', [bytes], { action: 'ping', signal });
    return echo;
  }

  /** Load a group of kernel modules of the initial RAM disk; before `makeRoot`, which frees it. */
  loadModules(group: string): Promise<void> {
    return this.#do('modules', [group], `load the kernel modules "${group}"`);
  }

  /** Find devices that the machine has and the kernel did not see when it booted. */
  findDevices(): Promise<void> {
    return this.#do('devices', [], 'look for devices');
  }

  /**
   * Make ready for being kept as a template: without the modules of the initial RAM disk, and with zeros in free memory.
   * @param most bytes of free memory that are looked after
   */
  tidy(most: number): Promise<void> {
    return this.#do('tidy', [`${most}`], 'make the guest smaller');
  }

  /** Make a directory and its missing parents. One that is there is left as it is. */
  mkdir(path: string, { mode, uid, gid }: Owned): Promise<void> {
    return this.#do('mkdir', [path, mode.toString(8), `${uid}`, `${gid}`], `make the directory "${path}"`);
  }

  mount({ source, target, type, flags, options, waitMs }: MountSpec): Promise<void> {
    const args = [source, target, type, `${flags}`, options, `${waitMs}`];
    return this.#do('mount', args, `mount "${source}" on "${target}"`);
  }

  /** @param flags sum of umount2(2)'s MNT_ flags */
  umount(path: string, flags = 0): Promise<void> {
    return this.#do('umount', [path, `${flags}`], `unmount "${path}"`);
  }

  /** Make the new root file system and change to it. */
  async makeRoot({ kind, upperOptions = '', overlayOptions = '', directories = [] }: RootSpec): Promise<void> {
    const first = (name: string, ...args: string[]) => this.#do(name, args, changeRoot);
    const then = (name: string, ...args: string[]) => this.#do(name, args, changeRoot, true);
    const detach = '2';
    const noSuidNoDev = '6';
    const layers = ['lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work', overlayOptions].filter(Boolean).join(',');
    const overlay =
      kind === 'overlay'
        ? [
            first('mount', 'tmpfs', '/rw', 'tmpfs', '0', upperOptions, '0'),
            then('mkdir', '/rw/upper', '755', '0', '0'),
            then('mkdir', '/rw/work', '755', '0', '0'),
            then('mount', 'overlay', '/new', 'overlay', '0', layers, '0'),
            // The overlay holds its layers itself; these two mounts would only be in the way.
            then('umount', '/lower', detach),
            then('umount', '/rw', detach),
          ]
        : [first('ping')];
    const fresh = directories.map(({ path, options }) =>
      then('mount', 'tmpfs', `/new${path}`, 'tmpfs', noSuidNoDev, options, '0'),
    );
    await allOf([...overlay, ...fresh, then('root')]);
  }

  /** Write a file; it appears under its name only when it is complete. */
  async writeFile(path: string, content: string | Uint8Array, { mode, uid, gid }: Owned): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const pieces = Math.max(1, Math.ceil(bytes.length / pieceSize));
    const write = (index: number): Promise<void> => {
      const piece = bytes.subarray(index * pieceSize, (index + 1) * pieceSize);
      const step = (index === 0 ? fileBegins : 0) + (index === pieces - 1 ? fileEnds : 0);
      return this.#do('file', [path, mode.toString(8), `${uid}`, `${gid}`, `${step}`, piece], `write "${path}"`);
    };
    // The agent drops the file at the first piece that fails, so the later ones cannot make a torn file.
    await allOf(Array.from({ length: pieces }, (_, index) => write(index)));
  }

  setHostname(name: string): Promise<void> {
    return this.#do('hostname', [name], `set the host name "${name}"`);
  }

  /** Give an interface its address and bring it up, `lo` too. */
  configureNet({ iface, address = '', gateway = '', mac = '', mtu = 0, waitMs }: NetSpec): Promise<void> {
    return this.#do('net', [iface, address, gateway, mac, `${mtu}`, `${waitMs}`], `set up the network on "${iface}"`);
  }

  /** @param nanoseconds since 1970 */
  setClock(nanoseconds: bigint): Promise<void> {
    return this.#do('clock', [`${nanoseconds}`], 'set the clock');
  }

  /**
   * What the guest's clock shows.
   * @returns nanoseconds since 1970, and whether a program of the guest keeps the clock true
   */
  async readClock(signal?: AbortSignal): Promise<{ readonly nanoseconds: bigint; readonly isKept: boolean }> {
    const [time, state] = await this.#call('time', [], { action: 'read the clock', signal });
    return { nanoseconds: BigInt(`${time ?? ''}`), isKept: `${state}` === 'kept' };
  }

  /**
   * Have the clock run faster or slower, by half a millisecond in a second, until it has made up for this; in place of what is left of the
   * time before.
   * @param microseconds by which it is to be later, at most half a second; negative: earlier
   */
  slewClock(microseconds: number): Promise<void> {
    return this.#do('slew', [`${Math.round(microseconds)}`], 'correct the clock');
  }

  /** @param bytes 1 to 512 random ones */
  reseed(bytes: Uint8Array): Promise<void> {
    return this.#do('reseed', [bytes], 'seed the random numbers');
  }

  /**
   * Take connections at this port of the guest's 127.0.0.1, instead of at the one before; 0: at none. `GuestAgent.accept`
   * gives them, and fails when this was told anew.
   */
  listen(port: number): Promise<void> {
    return this.#do('listen', [`${port}`], `listen at port ${port}`);
  }

  /**
   * Start a program for each connection that comes to this place, with the connection as its standard input and output.
   * A guest has at most four such places.
   */
  serve({ address, port, program }: ServeSpec): Promise<void> {
    const [path = ''] = program.argv;
    const args = [address, `${port}`, path, execPayload(program, 0)];
    return this.#do('serve', args, `listen at port ${port} of ${address}`);
  }

  sync(): Promise<void> {
    return this.#do('sync', [], 'write back the file systems');
  }

  /** End all programs: TERM, after `graceMs` KILL. */
  terminate(graceMs: number): Promise<void> {
    return this.#do('terminate', [`${graceMs}`], 'end all programs');
  }

  /** Power the guest off. The answer may get lost. */
  powerOff(): Promise<void> {
    return this.#do('poweroff', [], 'power off');
  }

  async #do(name: string, args: readonly (string | Uint8Array)[], action: string, chained = false): Promise<void> {
    await this.#call(name, args, { action, chained });
  }
}

const pieceSize = 60_000;
const fileBegins = 1;
const fileEnds = 2;
const changeRoot = 'change the root file system';

/** @throws the error of the first that failed, when all have been answered */
export async function allOf(calls: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(calls)) if (result.status === 'rejected') throw result.reason;
}

/** Calls each of which runs only if all before it succeeded. */
export function chainedCalls(call: Call): GuestCalls {
  let sent = false;
  return new GuestCalls((name, args, options) => {
    const answer = call(name, args, { ...options, chained: sent });
    sent = true;
    return answer;
  });
}
