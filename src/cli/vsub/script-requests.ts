import { VtorqueError } from '../../base/index.ts';
import { type Directive, scanDirectives, walkQsubArgs } from '../../pbs/index.ts';
import { type Origin, withOrigin } from '../../request/index.ts';
import { readVmValues } from './command-line.ts';
import { ownDirectiveWords } from './own-options.ts';

/** One value of `-vm` in a script. */
export interface ScriptRequest {
  readonly value: string;
  readonly origin: Origin;
}

/** Lines that are comments for qsub and requests for vsub. */
export const VSUB_PREFIX = '#VSUB';

/**
 * Find the requests for a VM in the head of a script: `-vm` in its directives, and the `#VSUB` lines.
 * @param prefix the directive prefix in force
 * @throws VtorqueError `E_VM_SYNTAX` (exit code 2), with the line
 */
export function readScriptRequests(script: Uint8Array, prefix: string): ScriptRequest[] {
  const found = scanDirectives(script, prefix).directives.map((directive) => readLine(directive, directiveValues));
  if (prefix !== VSUB_PREFIX) {
    const lines = scanDirectives(script, VSUB_PREFIX).directives.filter(({ text }) => /^([\s-]|$)/.test(text));
    found.push(...lines.map((directive) => readLine(directive, (words) => vsubLineValues(words, VSUB_PREFIX))));
  }
  return found
    .flat()
    .sort((a, b) => a.line - b.line)
    .map(({ value, line }) => ({ value, origin: { kind: 'script', line } }));
}

function readLine(directive: Directive, read: (words: readonly string[]) => string[]) {
  const line = directive.firstLine;
  try {
    return read(directive.words).map((value) => ({ value, line }));
  } catch (error) {
    throw error instanceof VtorqueError ? withOrigin(error, { kind: 'script', line }) : error;
  }
}

function directiveValues(words: readonly string[]): string[] {
  const { own, options } = walkQsubArgs(words, { own: ownDirectiveWords });
  return readVmValues(own, options);
}

/**
 * `#VSUB -vm img=host,ram=2G`, or shorter `#VSUB img=host ram=2G`; a word that starts with `#` ends it.
 * @param what stands before the words, for error messages
 */
export function vsubLineValues(words: readonly string[], what: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word.startsWith('#')) break;
    const value = word === '-vm' ? words[++i] : word;
    if (value === undefined || value.startsWith('-')) {
      throw new VtorqueError('E_VM_SYNTAX', `Cannot read "${[what, ...words].join(' ')}": not a VM request`, {
        hint: `Write ${what} -vm KEY=VALUE[,KEY=VALUE...]`,
        phase: 'check',
        exitCode: 2,
      });
    }
    values.push(value);
  }
  return values;
}
