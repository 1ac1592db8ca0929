import { VtorqueError } from '../../base/index.ts';
import { splitWords } from '../../pbs/index.ts';
import { OPTIONS_VARIABLE, withOrigin } from '../../request/index.ts';
import { vsubLineValues } from './script-requests.ts';

/**
 * The requests in the variable `VSUB_OPTIONS`: words as behind `#VSUB`.
 * @throws VtorqueError `E_VM_SYNTAX` (exit code 2)
 */
export function readEnvironmentRequests(text: string): string[] {
  try {
    return vsubLineValues(splitWords(text), `${OPTIONS_VARIABLE}:`);
  } catch (error) {
    if (!(error instanceof VtorqueError)) throw error;
    // A quote that is not closed is qsub's own error in a script; here it is ours.
    const { message, hint = 'Write -vm KEY=VALUE[,KEY=VALUE...]' } = error;
    const own = new VtorqueError('E_VM_SYNTAX', message.replace(/^qsub: /, `Cannot read ${OPTIONS_VARIABLE}: `), {
      ...{ hint, phase: 'check', exitCode: 2 },
    });
    throw withOrigin(own, { kind: 'environment' });
  }
}
