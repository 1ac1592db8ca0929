import { constants } from 'node:os';
import { VtorqueError } from '../base/index.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Do a long task that ends itself, and cleans up, when its signal aborts: at Ctrl-C, TERM or HUP.
 * @param action what could not be done, for the error
 * @throws VtorqueError `E_INTERRUPTED`, exit code 128 plus the signal's number, when it was interrupted
 */
export async function withInterrupt<T>(action: string, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (name: NodeJS.Signals): void => {
    const exitCode = 128 + constants.signals[name];
    controller.abort(new VtorqueError('E_INTERRUPTED', `Cannot ${action}: interrupted by ${name}`, { exitCode }));
  };
  for (const name of SIGNALS) process.on(name, abort);
  try {
    return await task(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    for (const name of SIGNALS) process.off(name, abort);
  }
}
