import { spawn } from 'node:child_process';
import { type Env, VtorqueError } from '../base/index.ts';

/** How long a server may take to answer: one that starts jobs can be slow. */
const ANSWER_MS = 30_000;
/** Rather a refusal than all the memory of a node. */
const MAX_OUTPUT = 256 << 20;

export interface CommandAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Run a command of the batch system to its end. It reads nothing.
 * @param action for the error: `ask for the state of jobs`
 * @throws VtorqueError `E_ENGINE` when it cannot be started or does not end by itself in time
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  env: Env,
  action: string,
  timeoutMs: number = ANSWER_MS,
): Promise<CommandAnswer> {
  const child = spawn(program, args, { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const fail = (why: string, cause?: unknown): void => {
    child.kill('SIGKILL');
    // What the command has started may still hold the pipes.
    child.stdout.destroy();
    child.stderr.destroy();
    reject(engineError(action, why, cause));
  };
  const deadline = setTimeout(() => fail(`"${program}" has not answered within ${timeoutMs / 1000} s`), timeoutMs);
  const chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  let size = 0;
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      chunks[stream].push(chunk);
      size += chunk.length;
      if (size > MAX_OUTPUT) fail(`"${program}" says more than ${MAX_OUTPUT >> 20} MB`);
    });
  }
  child.once('error', (error) => fail(error.message, error));
  child.once('close', (code, signal) => {
    if (code === null) fail(`"${program}" was ended by ${signal}`);
    else resolve(code);
  });
  try {
    const code = await promise;
    const text = (stream: 'stdout' | 'stderr'): string => Buffer.concat(chunks[stream]).toString();
    return { code, stdout: text('stdout'), stderr: text('stderr') };
  } finally {
    clearTimeout(deadline);
  }
}

/** @param why in the words of the batch system, where it has any */
export function engineError(action: string, why: string, cause?: unknown): VtorqueError {
  const [first = '', ...more] = why
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return new VtorqueError('E_ENGINE', `Cannot ${action}: ${first || 'the batch system does not say why'}`, {
    details: more,
    cause,
  });
}
