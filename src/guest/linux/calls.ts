import type { CallOptions } from './connection.ts';

type Owned = { readonly mode: number; readonly uid: number; readonly gid: number };
type Call = (
  name: string,
  args: readonly (string | Uint8Array)[],
  options: { readonly action: string; readonly signal?: AbortSignal | undefined },
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

export interface ShutdownSpec {
  /** Milliseconds between TERM and KILL. */
  readonly graceMs: number;
  /** `wait`: the host ends the machine after the answer; `poweroff`: the guest does, and the answer may get lost. */
  readonly how: 'wait' | 'poweroff';
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
  makeRoot({ kind, upperOptions = '', overlayOptions = '', directories = [] }: RootSpec): Promise<void> {
    const fresh = directories.flatMap(({ path, options }) => [path, options]);
    return this.#do('root', [kind, upperOptions, overlayOptions, ...fresh], 'change the root file system');
  }

  /** Write a file; it appears under its name only when it is complete. */
  async writeFile(path: string, content: string | Uint8Array, { mode, uid, gid }: Owned): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const pieces = Math.max(1, Math.ceil(bytes.length / pieceSize));
    const write = (index: number): Promise<void> => {
      const piece = bytes.subarray(index * pieceSize, (index + 1) * pieceSize);
      const step = pieces === 1 ? 'whole' : index === 0 ? 'first' : index === pieces - 1 ? 'last' : 'next';
      return this.#do('file', [path, mode.toString(8), `${uid}`, `${gid}`, step, piece], `write "${path}"`);
    };
    // The agent drops the file at the first piece that fails, so the later ones cannot make a torn file.
    const results = await Promise.allSettled(Array.from({ length: pieces }, (_, index) => write(index)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
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

  /** @param bytes 1 to 512 random ones */
  reseed(bytes: Uint8Array): Promise<void> {
    return this.#do('reseed', [bytes], 'seed the random numbers');
  }

  sync(): Promise<void> {
    return this.#do('sync', [], 'write back the file systems');
  }

  /** End all programs, write back, unmount. */
  shutdown({ graceMs, how }: ShutdownSpec): Promise<void> {
    return this.#do('shutdown', [`${graceMs}`, how], 'shut down');
  }

  async #do(name: string, args: readonly (string | Uint8Array)[], action: string): Promise<void> {
    await this.#call(name, args, { action });
  }
}

const pieceSize = 60_000;

/** Calls each of which runs only if all before it succeeded. */
export function chainedCalls(
  call: (name: string, args: readonly (string | Uint8Array)[], o: CallOptions) => Promise<readonly Buffer[]>,
  sent: Promise<unknown>[],
): GuestCalls {
  return new GuestCalls((name, args, options) => {
    const answer = call(name, args, { ...options, chained: sent.length > 0 });
    sent.push(answer);
    return answer;
  });
}
