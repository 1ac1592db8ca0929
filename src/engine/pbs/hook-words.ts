import { VtorqueError } from '../../base/index.ts';
import { parseJobId } from '../../pbs/index.ts';

/** @throws VtorqueError `E_HOOK_CALL` for what is no job id: names of files are made of it */
export function jobIdWord(hook: string, word: string | undefined): string {
  if (word !== undefined && parseJobId(word)?.server !== undefined) return word;
  throw hookCallError(hook, `"${word ?? ''}" is no job id`);
}

/** @throws VtorqueError `E_HOOK_CALL` */
export function userWord(hook: string, word: string | undefined): string {
  if (word !== undefined && /^[^\s/:\p{Cc}-][^\s/:\p{Cc}]*$/u.test(word)) return word;
  throw hookCallError(hook, `"${word ?? ''}" is no name of a user`);
}

export function hookCallError(hook: string, why: string): VtorqueError {
  return new VtorqueError('E_HOOK_CALL', `Cannot serve the hook ${hook}: ${why}`, {
    hint: 'Only the batch system calls it, with arguments of its own',
  });
}
