import { type Argv, ROOTS_PATH, type RunOptions, run as runProgram, succeeded } from '../process/index.ts';

const GRACE_MS = 2000;
const PROXY = /^(https?|ftp|no)_proxy$/i;

export interface ToolOptions extends Pick<RunOptions, 'signal' | 'cwd' | 'input' | 'onLine'> {
  readonly withinMs: number;
  /** Added to the small environment that every tool gets. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Run a tool that works on packages and disks, with this machine's way to its package servers. It is given time to clear up when it is to end.
 * @returns what it wrote
 * @throws ToolFailed, or the signal's reason
 */
export async function run(argv: Argv, { env, cwd = '.', ...options }: ToolOptions): Promise<Buffer> {
  const ran = await runProgram(argv, { ...options, cwd, graceMs: GRACE_MS, env: { ...toolEnvironment(), ...env } });
  // One that starts another, whose name is behind the dashes, ends so.
  const program = ran.missing ? ran.program : argv[argv.indexOf('--') + 1];
  return succeeded(ran.code === 127 && program !== undefined ? { ...ran, program, missing: true } : ran).stdout;
}

function toolEnvironment(): Record<string, string> {
  const env: Record<string, string> = { PATH: ROOTS_PATH, LC_ALL: 'C.UTF-8', HOME: process.env.HOME ?? '/' };
  for (const [name, value] of Object.entries(process.env)) {
    if (PROXY.test(name) && value !== undefined) env[name] = value;
  }
  return env;
}
