import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { addressOf, type Cidr, formatAddress, type JobNetwork, macOf } from '../../src/network/index.ts';

const program = `${import.meta.dirname}/station.py`;
const python = '/usr/bin/python3';
const tapFd = 6;
const waitMs = 30_000;

/** A stand-in for a VM that sends and receives frames as they are. Disposing of it ends it. */
export interface RawStation extends AsyncDisposable {
  /** A frame, in hexadecimal digits: blanks and colons do not count. */
  send(frame: string): void;
  /** Wait for a frame, among those that came and those that will. */
  gets(frame: string): Promise<void>;
  /** All that came. */
  readonly frames: readonly string[];
}

export async function rawStation(network: JobNetwork, rank: number): Promise<RawStation> {
  const child = spawnAt(network, rank, [python, program, 'raw'], 'pipe');
  const frames: string[] = [];
  const news = new EventEmitter();
  createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on('line', (line) => {
    if (line === 'up') news.emit('up');
    else frames.push(line);
    news.emit('frame');
  });
  const signal = AbortSignal.timeout(waitMs);
  await once(news, 'up', { signal });
  return {
    frames,
    send: (frame) => child.stdin?.write(`${digits(frame)}\n`),
    gets: async (frame) => {
      const wanted = digits(frame);
      const late = AbortSignal.timeout(waitMs);
      while (!frames.includes(wanted)) {
        await once(news, 'frame', { signal: late }).catch(() => {
          throw new Error(`station ${rank} did not get ${wanted}, but ${frames.join(', ')}`);
        });
      }
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** A command in a network namespace whose one interface is that of a VM. */
export interface StackOptions {
  readonly subnet: Cidr;
  readonly rank: number;
  readonly command: readonly string[];
}

/** @returns what the command printed; throws when it fails */
export async function inStation(network: JobNetwork, { subnet, rank, command }: StackOptions): Promise<string> {
  const { mtu } = network.nic(rank, tapFd);
  const address = formatAddress(addressOf(subnet, rank));
  const stack = [python, program, 'stack', address, String(mtu), macOf(rank), ...command];
  const child = spawnAt(network, rank, ['unshare', '--user', '--map-root-user', '--net', ...stack], 'ignore');
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`"${command.join(' ')}" at station ${rank} ended with ${code}: ${output}`);
  return output;
}

function spawnAt(
  network: JobNetwork,
  rank: number,
  command: readonly string[],
  stdin: 'pipe' | 'ignore',
): ChildProcess {
  const [first, ...before] = network.nic(rank, tapFd).before;
  return spawn(first, [...before, ...command], {
    stdio: [stdin, 'pipe', 'inherit'],
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function digits(frame: string): string {
  return frame.replace(/[\s:]/g, '').toLowerCase();
}
