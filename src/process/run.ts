import type { Duplex } from 'node:stream';
import { type Env, messageOf, VtorqueError, within } from '../base/index.ts';
import { orLeft } from './left.ts';
import { type Argv, type ProcessEnd, type Started, start } from './start.ts';
import { linesOf, Tail } from './tail.ts';

/** Administrators' programs (ip, depmod, mkfs.ext4) are not on everybody's PATH, and hooks have next to nothing on theirs. */
export const ROOTS_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const ANSWER_MS = 10_000;
/** Rather a refusal than all the memory of a node. */
const MAX_OUTPUT = 256 << 20;
const SAID_LINES = 20;

export interface RunOptions {
  /** Milliseconds that it has; 10 s unless told. */
  readonly withinMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds between TERM and KILL. Without, it is killed at once, and nothing but KILL reaches it. */
  readonly graceMs?: number;
  /** All of its environment; that of root's tools unless told. */
  readonly env?: Env;
  /** `/` unless told. */
  readonly cwd?: string;
  /** What it reads, or our descriptor from which it does; nothing unless told. */
  readonly input?: string | Uint8Array | number | Duplex;
  /** Ours, for its descriptors from 3 on. */
  readonly descriptors?: readonly number[];
  /** Called with each line that it writes. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** A program that was run, however that went. Its exit code is 0 only if it has ended by itself and in time. */
export interface Ran extends ProcessEnd {
  readonly program: string;
  /** How it ended: `exit code 2`, `signal SIGKILL`, `no end within 300 s`. */
  readonly ending: string;
  /** Whether it was we who ended it. */
  readonly stopped: boolean;
  /** There is no such program. */
  readonly missing: boolean;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** The last lines of its standard error; of its standard output where there are none. */
  readonly said: readonly string[];
}

/**
 * Run a program to its end. It ends with this process. It is killed, with all that it has started, when its time is over, when `signal` is
 * aborted, and when it writes more than 256 MB.
 * @throws the signal's reason; VtorqueError `E_SPAWN` when the installation is broken
 */
export async function run(argv: Argv, options: RunOptions = {}): Promise<Ran> {
  const { withinMs = ANSWER_MS, signal, graceMs, env = { PATH: ROOTS_PATH, LC_ALL: 'C' }, cwd = '/' } = options;
  const [program] = argv;
  signal?.throwIfAborted();
  const { input, descriptors = [] } = options;
  const child = start(argv, {
    ...{ tie: graceMs === undefined ? 'shielded' : 'bound', apart: true, env, cwd },
    stdio: [typeof input === 'string' ? Buffer.from(input) : (input ?? 'ignore'), 'pipe', 'pipe', ...descriptors],
  });
  await child.begun;
  const output = gather(child, options.onLine);
  let end: ProcessEnd = { code: null, signal: null };
  let stopped: string | undefined;
  try {
    const late = (): Error => new Error(`no end within ${withinMs / 1000} s`);
    end = await within(Promise.race([child.closed, output.tooMuch]), { ms: withinMs, signal, late });
  } catch (error) {
    await stop(child, program, graceMs);
    if (signal?.aborted && error === signal.reason) throw error;
    stopped = messageOf(error);
  }
  const { stdout, stderr } = output.read();
  const said = linesOf(stderr === '' ? stdout.subarray(-4096).toString() : stderr).slice(-SAID_LINES);
  return {
    ...{ program, stdout, stderr, said, ...end, stopped: stopped !== undefined },
    ending: stopped ?? (end.signal === null ? `exit code ${end.code}` : `signal ${end.signal}`),
    missing: end.code === 127 && stderr.startsWith(`Cannot start "${program}": `),
  };
}

/**
 * Run a tool that is expected to succeed.
 * @returns what it wrote
 * @throws as `succeeded` and `run`
 */
export async function runTool(argv: Argv, options?: RunOptions): Promise<string> {
  return succeeded(await run(argv, options)).stdout.toString();
}

/** @throws ToolFailed unless its exit code is 0; VtorqueError `E_TOOL_MISSING` */
export function succeeded(ran: Ran): Ran {
  if (ran.code === 0) return ran;
  if (!ran.missing) throw new ToolFailed(ran);
  throw new VtorqueError('E_TOOL_MISSING', `Cannot run "${ran.program}": it is not installed`, {
    hint: `Install it, for instance with: apt-get install ${packages[ran.program] ?? ran.program}`,
  });
}

/** A tool that has failed, in its own words. Who knows better what it was for tells that instead. */
export class ToolFailed extends VtorqueError {
  readonly ran: Ran;

  constructor(ran: Ran) {
    const { program, ending, stopped, said } = ran;
    const why = stopped ? ending : (said[0]?.trim() ?? `it ended with ${ending}`);
    super('E_TOOL', `Cannot run "${program}": ${why}`, { details: said.slice(1) });
    this.ran = ran;
  }
}

/** Debian's packages of tools that are called otherwise. */
const packages: Readonly<Record<string, string>> = {
  depmod: 'kmod',
  ip: 'iproute2',
  bridge: 'iproute2',
  nft: 'nftables',
};

function gather(child: Started, onLine: RunOptions['onLine']) {
  const { promise: tooMuch, reject } = Promise.withResolvers<never>();
  let size = 0;
  const listen = (descriptor: number): Buffer[] => {
    const pieces: Buffer[] = [];
    const pipe = child.pipe(descriptor);
    if (onLine !== undefined) new Tail(pipe, onLine);
    pipe.on('data', (piece: Buffer | string) => {
      pieces.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
      size += piece.length;
      if (size > MAX_OUTPUT) reject(new Error(`more than ${MAX_OUTPUT >> 20} MB of output`));
    });
    return pieces;
  };
  const [stdout, stderr] = [listen(1), listen(2)];
  return { tooMuch, read: () => ({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }) };
}

/** With all that it has started. */
async function stop(child: Started, program: string, graceMs: number | undefined): Promise<void> {
  if (graceMs !== undefined) {
    child.signalAll('SIGTERM');
    await within(child.closed, { ms: graceMs, late: () => new Error('late') }).catch(() => {});
  }
  child.signalAll('SIGKILL');
  await orLeft(child, program);
  // Who has left its session may still hold its output.
  child.abandon();
}
