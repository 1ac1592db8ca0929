import { writeSync } from 'node:fs';
import { VtorqueError } from '../base/index.ts';
import { exitCodeOfPhase } from '../job/index.ts';
import { runNodeAgent } from '../node/agent/index.ts';
import { renderError } from './render-error.ts';

/** What batch systems send to all processes of a job. What is to happen then, the launcher says. */
const ofTheJob = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const;
const ending: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

/**
 * The agent of a node: started by the launcher of the job through the batch system.
 * @param words a port and the names or addresses by which the launcher is to be reached there
 */
export async function runAgentCommand([port = '', ...hosts]: readonly string[]): Promise<number> {
  const ended = new AbortController();
  for (const signal of ofTheJob) {
    process.on(signal, () => {
      if (ending.includes(signal)) ended.abort(new VtorqueError('E_NODE_ENDED', `Cannot go on: ended by ${signal}`));
    });
  }
  const env = Object.fromEntries(Object.entries(process.env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));
  try {
    if (!/^\d+$/.test(port) || hosts.length === 0) {
      throw new VtorqueError('E_USAGE', 'Cannot start the agent of a node: no port or no host given', {
        hint: 'The launcher of a job starts it',
      });
    }
    await runNodeAgent({ launcher: { port: Number(port), hosts }, env, signal: ended.signal });
    return 0;
  } catch (error) {
    if (ended.signal.aborted) return 0;
    writeSync(2, renderError(error, { program: 'vtorque' }).text);
    return exitCodeOfPhase(error instanceof VtorqueError ? error.phase : undefined);
  }
}
