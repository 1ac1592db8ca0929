import { type Env, messageOf, VtorqueError } from '../base/index.ts';

export interface RenderErrorOptions {
  /** The command that speaks: `vsub`. */
  readonly program: string;
  /** One line of JSON instead of text. */
  readonly json?: boolean;
  readonly color?: boolean;
}

export interface RenderedError {
  /** For the standard error, with its line end. */
  readonly text: string;
  readonly exitCode: number;
}

/** Colours only for people: on a terminal, and not when NO_COLOR is set. */
export function wantsColor(stream: { readonly isTTY?: boolean }, env: Env): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** Make of anything that was thrown what a command prints and how it ends. Every command renders its errors here. */
export function renderError(error: unknown, options: RenderErrorOptions): RenderedError {
  const known = error instanceof VtorqueError ? error : asBug(error);
  const text = options.json ? `${JSON.stringify({ error: errorAsData(known) })}\n` : asText(known, options);
  return { text, exitCode: known.exitCode };
}

/** The form of an error in the output of `--json`. */
export function errorAsData(error: VtorqueError): Record<string, unknown> {
  const { code, message, hint, phase, node, exitCode, details } = error;
  return { code, message, hint, phase, node, exitCode, ...(details.length === 0 ? {} : { details }) };
}

function asText(error: VtorqueError, { program, color = false }: RenderErrorOptions): string {
  const paint = (style: string, text: string): string => (color ? `\x1b[${style}m${text}\x1b[0m` : text);
  // What qsub says it says in its own words.
  const speaksForQsub = error.code === 'E_QSUB';
  const lines = [speaksForQsub ? error.message : `${paint('1;31', `${program}:`)} ${error.message}`];
  for (const detail of error.details) lines.push(speaksForQsub ? detail : `  ${detail}`);
  if (error.phase !== undefined && error.phase !== 'check') lines.push(`  phase: ${error.phase}`);
  if (error.node !== undefined) lines.push(`  node: ${error.node}`);
  if (error.hint !== undefined) lines.push(`  ${paint('36', 'hint:')} ${error.hint}`);
  return `${lines.join('\n')}\n`;
}

/** Whatever is no VtorqueError is our own mistake, and the reader gets what a report needs. */
function asBug(error: unknown): VtorqueError {
  const stack = error instanceof Error ? (error.stack ?? '').split('\n').slice(1, 9) : [];
  return new VtorqueError('E_INTERNAL', `Internal error: ${messageOf(error)}`, {
    hint: 'This is a mistake in vTorque: please report it with these lines and the command',
    details: stack.map((line) => line.trim()),
  });
}
