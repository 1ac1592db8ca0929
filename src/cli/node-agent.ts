import { writeSync } from 'node:fs';
import { definedOnly, VtorqueError } from '../base/index.ts';
import { endsJob, exitCodeOf, signalsOfJobs } from '../job/index.ts';
import { runNodeAgent } from '../node/agent/index.ts';
import { onProcessLeft } from '../process/index.ts';
import { renderError } from './render-error.ts';

/**
 * The agent of a node: started by the launcher of the job through the batch system.
 * @param words a port and the names or addresses by which the launcher is to be reached there
 */
export async function runAgentCommand([port = '', ...hosts]: readonly string[]): Promise<number> {
  const ended = new AbortController();
  // Batch systems send them to all processes of a job. What is to happen then, the launcher says.
  for (const signal of signalsOfJobs) {
    process.on(signal, () => {
      if (endsJob(signal)) ended.abort(new VtorqueError('E_NODE_ENDED', `Cannot go on: ended by ${signal}`));
    });
  }
  const env = definedOnly(process.env);
  using _ = onProcessLeft((text) => writeSync(2, `vtorque: ${text}\n`));
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
    return exitCodeOf(error);
  }
}
