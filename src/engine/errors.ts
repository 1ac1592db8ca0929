import { VtorqueError } from '../base/index.ts';

export function noBatchSystem(why: string): VtorqueError {
  return new VtorqueError('E_NO_BATCH_SYSTEM', `Cannot find a batch system: ${why}`, {
    hint: 'Put the commands of your batch system on PATH, or start the embedded one: vtorque local start',
    phase: 'check',
  });
}
