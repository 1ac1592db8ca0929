import type { VtorqueError } from '../base/index.ts';

/** Where a value was written; the strongest first. */
export type Origin =
  | { readonly kind: 'command line' }
  | { readonly kind: 'script'; readonly line: number }
  /** `VSUB_OPTIONS`. */
  | { readonly kind: 'environment' }
  | { readonly kind: 'user defaults'; readonly file: string; readonly line?: number }
  | { readonly kind: 'queue defaults'; readonly queue: string; readonly file: string; readonly line?: number }
  | { readonly kind: 'site defaults'; readonly file: string; readonly line?: number };

export type OriginKind = Origin['kind'];

/** The variable whose words are requests, too. */
export const OPTIONS_VARIABLE = 'VSUB_OPTIONS';

/** The sources of requests from the weakest to the strongest. */
export const precedence: readonly OriginKind[] = [
  'site defaults',
  'queue defaults',
  'user defaults',
  'environment',
  'script',
  'command line',
];

/** Origins that stand in for what nobody asked for. */
export function isDefault({ kind }: Origin): boolean {
  return precedence.indexOf(kind) < precedence.indexOf('environment');
}

/** Words for a person: `line 3 of the script`. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'command line':
      return 'the command line';
    case 'script':
      return `line ${origin.line} of the script`;
    case 'environment':
      return OPTIONS_VARIABLE;
    case 'user defaults':
      return `your defaults, ${place(origin)}`;
    case 'queue defaults':
      return `defaults of queue "${origin.queue}", ${place(origin)}`;
    case 'site defaults':
      return `defaults of the site, ${place(origin)}`;
  }
}

function place({ file, line }: { readonly file: string; readonly line?: number }): string {
  return line === undefined ? file : `${file}:${line}`;
}

/** The same error, saying where its cause stands; on the command line the reader sees that himself. */
export function withOrigin(error: VtorqueError, origin: Origin): VtorqueError {
  if (origin.kind === 'command line') return error;
  return error.with({ details: [`in ${describeOrigin(origin)}`, ...error.details] });
}
