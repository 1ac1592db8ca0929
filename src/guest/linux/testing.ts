import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { attachAgent, type GuestAgent } from './agent.ts';
import { type BuildOptions, buildAgent } from './build.ts';
import type { ExecSpec } from './exec-spec.ts';
import type { ProcessEnd } from './protocol.ts';

/** A directory that every user may enter, removed at the end. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'vtorque-agent-'));
  await chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** An agent compiled for a test file, removed at the end. */
export async function builtAgent(options?: BuildOptions): Promise<AsyncDisposable & { readonly path: string }> {
  const dir = await temporaryDirectory();
  const path = await buildAgent(dir.path, options);
  return { path, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

export interface AgentProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly port: Duplex;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

/** The agent as a process of this machine, with a socket pair as its port. */
export function spawnAgent(
  command: readonly string[],
  { uid, cwd = '/' }: { readonly uid?: number | undefined; readonly cwd?: string } = {},
): AgentProcess {
  const [program = '', ...args] = command;
  const child = spawn(program, [...args, '--fd', '3'], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  });
  const exit = once(child, 'exit');
  const stderr = text(child.stderr as Readable);
  const ended = Promise.all([exit, stderr]).then(([[code], errors]) => ({ code, stderr: errors }));
  return {
    child,
    port: child.stdio[3] as Duplex,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/** An agent that has said hello. */
export async function runningAgent(command: readonly string[]): Promise<AgentProcess & { readonly agent: GuestAgent }> {
  const spawned = spawnAgent(command);
  const agent = attachAgent(spawned.port);
  await agent.hello(AbortSignal.timeout(10_000));
  return { ...spawned, agent };
}

export const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Run a program in the guest and take all of its output. */
export async function run(
  agent: GuestAgent,
  argv: readonly string[],
  spec: Omit<ExecSpec, 'argv'> = {},
): Promise<{ readonly end: ProcessEnd; readonly stdout: Buffer; readonly stderr: Buffer }> {
  const program = agent.exec({ env: { PATH: path }, ...spec, argv });
  const [end, stdout, stderr] = await Promise.all([program.exit, buffer(program.stdout), buffer(program.stderr)]);
  return { end, stdout, stderr };
}

/** As `run`, for a shell script of which only the standard output matters. */
export async function shell(agent: GuestAgent, script: string, spec?: Omit<ExecSpec, 'argv'>): Promise<string> {
  return (await run(agent, ['sh', '-c', script], spec)).stdout.toString();
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** Wait until a process of this machine is gone, or only waits to be reaped. */
export async function hasEnded(pid: number): Promise<void> {
  const deadline = AbortSignal.timeout(10_000);
  for (;;) {
    const status = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
    if (status === undefined || /^\d+ \(.*\) Z/s.test(status)) return;
    deadline.throwIfAborted();
    await setImmediate();
  }
}
