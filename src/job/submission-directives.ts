import { VtorqueError } from '../base/index.ts';
import { type Directive, quoteWord, scanDirectives, splitWords, walkQsubArgs } from '../pbs/index.ts';

/** The option of ours that is taken out of the script's directives. */
export const VM_OPTION = '-vm';

/**
 * The script's directives as lines for the launcher script: as the user wrote them, joined where they were continued,
 * without our own option.
 * @param prefix the directive prefix in force
 * @throws VtorqueError `E_QSUB` where qsub would stop reading the script
 */
export function launcherDirectives(script: Uint8Array, prefix: string): Buffer {
  const scan = scanDirectives(script, prefix);
  if (scan.error) throw scan.error;
  const rawPrefix = Buffer.from(prefix).toString('latin1');
  const lines = scan.directives.flatMap((directive) => withoutVmOption(directive, rawPrefix) ?? []);
  if (lines.length === 0) return Buffer.alloc(0);
  const text = lines.map((line) => `${line.replace(/\r+$/, '')}\n`).join('');
  return Buffer.from(prefix.startsWith('#') ? text : hideFromShell(text, rawPrefix), 'latin1');
}

function withoutVmOption(directive: Directive, rawPrefix: string): string | undefined {
  if (directive.error) return directive.line;
  // Words as Latin-1, so that no byte of the user's changes.
  const words = splitWords(directive.text);
  const walk = walkQsubArgs(words, { own: { [VM_OPTION]: 'value' } });
  if (walk.own.length === 0) return directive.line;
  const ours = new Set(walk.own.flatMap(({ at, value }) => (value === undefined ? [at] : [at, at + 1])));
  if (walk.options.length === 0) return undefined;
  return [rawPrefix, ...words.filter((_, at) => !ours.has(at)).map(quoteWord)].join(' ');
}

/**
 * Directives behind a prefix that is no comment: sh must not execute them, and qsub must not stop at them. A line
 * that starts with a colon is neither the end of the scan nor, with a here document, of any effect.
 */
function hideFromShell(text: string, rawPrefix: string): string {
  let mark = 'VTORQUE_DIRECTIVES';
  while (text.includes(mark) || mark.startsWith(rawPrefix)) mark = `_${mark}`;
  return `: <<'${mark}'\n${text}${mark}\n`;
}

/**
 * Refuse a directive prefix with which qsub would take the launcher's command for a directive.
 * @throws VtorqueError `E_DIRECTIVE_PREFIX`, exit code 2
 */
export function checkPrefix(prefix: string, command: string): void {
  if (prefix === '' || !command.startsWith(prefix)) return;
  throw new VtorqueError('E_DIRECTIVE_PREFIX', `Cannot use the directive prefix "${prefix}" for a job in a VM`, {
    hint: 'Use another one, for instance -C "#PBS"',
    phase: 'check',
    exitCode: 2,
  });
}
