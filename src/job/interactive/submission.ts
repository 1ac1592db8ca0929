import { messageOf } from '../../base/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { RequestedVariables, Submission } from '../submission.ts';
import { checkFormat, damaged } from '../submission-errors.ts';

/** An interactive job in a VM. There is no script to carry it, so it travels in a variable of the job's environment. */
export interface InteractiveSubmission extends Pick<Submission, 'hooks' | 'job'> {
  readonly request: VmRequest;
  /** The value of `-S`. */
  readonly shell?: string;
  readonly variables: RequestedVariables;
  /** `-x`: what the shell is to run, in its own language; without it, it asks the user. */
  readonly command?: string;
  /** `-X`: programs in the guest use the display of the job. */
  readonly x11?: boolean;
  /** The user's `TERM`. */
  readonly terminalType: string;
  /** Marks the lines of the launcher. */
  readonly token: string;
}

/** The variable. A command cannot carry it: qsub of Torque 6.1 drops what stands behind the word that `-x` runs. */
export const SUBMISSION_VARIABLE = 'VTORQUE_INTERACTIVE';

const FORMAT_VERSION = 1;

/** The value of the variable. It has no character that means something to a shell or in a list of variables. */
export function interactiveWord(submission: InteractiveSubmission): string {
  const json = JSON.stringify({ version: FORMAT_VERSION, ...submission });
  return Buffer.from(json).toString('base64url');
}

/**
 * Read what `interactiveWord` wrote.
 * @throws VtorqueError `E_SUBMISSION_DAMAGED`, `E_SUBMISSION_VERSION`
 */
export function readInteractiveWord(word: string): InteractiveSubmission {
  let read: InteractiveSubmission & { readonly version: number };
  try {
    read = JSON.parse(Buffer.from(word, 'base64url').toString());
  } catch (cause) {
    throw damaged(messageOf(cause), cause);
  }
  const { version, ...submission } = read;
  checkFormat(version, FORMAT_VERSION);
  return submission;
}
