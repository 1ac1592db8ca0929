import { execFile } from 'node:child_process';
import { VtorqueError } from '../../base/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface SlurmCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Env;
  readonly input?: Uint8Array;
  /** Milliseconds. srun waits for ever where a node is not up, and a controller that is busy takes some seconds. */
  readonly withinMs?: number;
}

export interface SlurmAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ANSWER_MS = 60_000;
const LARGEST_ANSWER = 256 * 1024 ** 2;

/**
 * Run one of Slurm's commands to its end.
 * @throws VtorqueError `E_ENGINE` when it is not there or does not end in time
 */
export function runSlurm({ program, args, env, input, withinMs = ANSWER_MS }: SlurmCommand): Promise<SlurmAnswer> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      {
        env: Object.fromEntries(Object.entries(env).filter((entry) => entry[1] !== undefined)),
        timeout: withinMs,
        killSignal: 'SIGKILL',
        maxBuffer: LARGEST_ANSWER,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : (error as { code?: unknown }).code;
        if (typeof code === 'number') resolve({ code, stdout, stderr });
        else
          reject(
            noAnswer(program, error?.killed === true ? `no answer within ${withinMs / 1000} s` : `${error?.message}`),
          );
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

function noAnswer(program: string, why: string): VtorqueError {
  return new VtorqueError('E_ENGINE', `Cannot ask Slurm with "${program}": ${why}`, {
    hint: 'See whether the controller runs: scontrol ping',
    phase: 'check',
  });
}

/** @throws VtorqueError `E_ENGINE` in Slurm's words */
export async function askSlurm(command: SlurmCommand): Promise<string> {
  const { code, stdout, stderr } = await runSlurm(command);
  if (code === 0) return stdout;
  throw refused(command.program, stderr);
}

export function refused(program: string, stderr: string): VtorqueError {
  const words = stderr.trim().replaceAll(`${program}: error: `, '').split('\n');
  return new VtorqueError('E_ENGINE', `Cannot go on: Slurm says "${words[0] ?? ''}"`, {
    phase: 'check',
    details: words.slice(1),
  });
}
