import { hostname } from 'node:os';
import { type Env, shortName } from '../../base/index.ts';
import { PbsError } from '../../engine/embedded/protocol.ts';
import { CommandError, type CommandResult, exitCodeOf, type PbsCommand } from './command.ts';

// Each command loads what it needs and nothing else: they are started thousands of times.
const COMMANDS: Readonly<Record<string, () => Promise<PbsCommand>>> = {
  qsub: async () => (await import('./qsub.ts')).qsub,
  qstat: async () => (await import('./qstat.ts')).qstat,
  qdel: async () => (await import('./qdel.ts')).qdel,
  qhold: async () => (await import('./qhold.ts')).qhold,
  qrls: async () => (await import('./qhold.ts')).qrls,
  qalter: async () => (await import('./qalter.ts')).qalter,
  qrerun: async () => (await import('./qrerun.ts')).qrerun,
  qsig: async () => (await import('./qsig.ts')).qsig,
  pbsnodes: async () => (await import('./pbsnodes.ts')).pbsnodes,
  pbsdsh: async () => (await import('./pbsdsh.ts')).pbsdsh,
};

/**
 * Run a command of the embedded batch system by its name.
 * @returns its exit code
 */
export async function run(name: string, args: readonly string[], env: Env): Promise<number> {
  const load = COMMANDS[name];
  if (load === undefined) throw new Error(`"${name}" is no command of the embedded batch system`);
  // Whoever does not read all of our output ends us no differently than a C program is ended.
  process.stdout.on('error', () => process.exit(141));
  const command = await load();
  const { stdout = '', stderr = '', exitCode } = await inWords(name, command(args, env), env);
  if (stderr !== '') process.stderr.write(stderr);
  if (stdout !== '') process.stdout.write(stdout);
  return exitCode;
}

/** What a command has come to, its errors in the words of the command called `name`. */
export function inWords(name: string, result: Promise<CommandResult>, env: Env): Promise<CommandResult> {
  return result.catch((error) => rendered(name, error, env));
}

async function rendered(name: string, error: unknown, env: Env): Promise<CommandResult> {
  if (error instanceof CommandError) return { stderr: `${error.message}\n`, exitCode: error.exitCode };
  const { NoServerError } = await import('../../engine/embedded/client.ts');
  if (error instanceof NoServerError) {
    const server = shortName(hostname());
    const reason = `${name}: cannot connect to server ${server} (errno=${error.errno}) ${error.message}`;
    const hint = env.VTORQUE_LOCAL ? `vtorque local start --dir ${env.VTORQUE_LOCAL}` : 'vtorque local start';
    return { stderr: `${reason}\n  hint: start the embedded batch system: ${hint}\n`, exitCode: error.errno };
  }
  if (error instanceof PbsError) return { stderr: `${name}: ${error.message}\n`, exitCode: exitCodeOf(error.code) };
  const { renderError } = await import('../render-error.ts');
  const { text, exitCode } = renderError(error, { program: name });
  return { stderr: text, exitCode };
}
