import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { VtorqueError } from '../base/index.ts';
import { boundProgram } from './native/build.ts';

/** Hooks have next to nothing on PATH, and these are root's programs. */
export const ROOTS_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const COMMAND_MS = 10_000;
const MAX_OUTPUT = 64 << 20;

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
}

/**
 * Run a program to its end. It ends with this process: what a killed hook has begun does not go on behind the back of the next one.
 * @returns what it printed
 * @throws VtorqueError `E_TOOL` with its own words when it fails or takes too long, `E_TOOL_MISSING`
 */
export async function runTool(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input = '', timeoutMs = COMMAND_MS } = options;
  const child = spawn(boundProgram, [String(process.pid), program, ...args], {
    ...{ env: { PATH: ROOTS_PATH, LC_ALL: 'C' }, stdio: ['pipe', 'pipe', 'pipe'], cwd: '/' },
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
    // What it has started may still hold the pipes.
    child.stdout.destroy();
    child.stderr.destroy();
  }, timeoutMs);
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
      if (said[stream].length > MAX_OUTPUT) child.kill('SIGKILL');
    });
  }
  // It may end without having read everything.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (code === 0) return said.stdout;
    const [first = `it ended with ${code ?? signal}`] = said.stderr.split('\n').filter((line) => line.trim() !== '');
    if (late) throw toolError('E_TOOL', program, `it has not ended within ${timeoutMs / 1000} s`);
    if (code === 127 && first.startsWith('Cannot start "'))
      throw toolError('E_TOOL_MISSING', program, 'there is none here');
    throw toolError('E_TOOL', program, first.trim());
  } finally {
    clearTimeout(timer);
  }
}

function toolError(code: string, program: string, state: string): VtorqueError {
  return new VtorqueError(code, `Cannot run ${program}: ${state}`);
}
