/** Where in a job's life something went wrong; printed with the error, so that the reader knows where to look. */
export type Phase = 'check' | 'submit' | 'plan' | 'network' | 'storage' | 'vm-start' | 'guest' | 'script' | 'tear-down';

export interface VtorqueErrorOptions {
  /** What the reader can do about it: one sentence. */
  readonly hint?: string;
  readonly phase?: Phase;
  /** Name of the node on which it went wrong, where there are several. */
  readonly node?: string | undefined;
  /** Exit code of the command that ends with this error; 1 unless told (2: wrong usage). */
  readonly exitCode?: number;
  /** Further lines worth showing, for instance the guest's last console lines. */
  readonly details?: readonly string[];
  readonly cause?: unknown;
}

/**
 * An error that a user or an admin can act on. Everything else that is thrown is a bug and stays a plain Error.
 * The message reads "Cannot <action>: <state>", sentence case, no full stop, values quoted.
 */
export class VtorqueError extends Error {
  /** Stable, for scripts and tests: `E_IMAGE_UNKNOWN`. */
  readonly code: string;
  readonly hint: string | undefined;
  readonly phase: Phase | undefined;
  readonly node: string | undefined;
  readonly exitCode: number;
  readonly details: readonly string[];

  constructor(code: string, message: string, options: VtorqueErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VtorqueError';
    this.code = code;
    this.hint = options.hint;
    this.phase = options.phase;
    this.node = options.node;
    this.exitCode = options.exitCode ?? 1;
    this.details = options.details ?? [];
  }

  /** The same error, with some things told otherwise. */
  with(changes: VtorqueErrorOptions): VtorqueError {
    const { code, message, hint, phase, node, exitCode, details, cause } = this;
    const known = { ...(hint === undefined ? {} : { hint }), ...(phase === undefined ? {} : { phase }) };
    return new VtorqueError(code, message, { ...known, node, exitCode, details, cause, ...changes });
  }
}

/** The same error, and on which node it was, unless it says so already. What is no VtorqueError stays what it is. */
export function onNode(error: unknown, node: string): unknown {
  return error instanceof VtorqueError && error.node === undefined ? error.with({ node }) : error;
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
