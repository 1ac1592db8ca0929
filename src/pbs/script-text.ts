import type { VtorqueError } from '../base/index.ts';
import { qsubError, qsubUsageError } from './errors.ts';

// How much of a script qsub looks at to tell text from a program.
const TEXT_SAMPLE = 50;
// qsub looks for DOS line ends in pieces of this size, the end mark included.
const DOS_BUFFER = 2048;
const LF = 0x0a;
const CR = 0x0d;

/**
 * Refuse a script file that the real qsub refuses for its content. Scripts on standard input are not checked by it.
 * @throws VtorqueError `E_QSUB` with qsub's text, exit code 1
 */
export function checkScriptText(script: Uint8Array): void {
  const odd = script.subarray(0, TEXT_SAMPLE).findIndex((byte) => !isPrintable(byte));
  if (odd >= 0) {
    throw qsubError(
      'qsub:  file must be an ascii script',
      1,
      `Byte ${odd + 1} is ${describe(script[odd] ?? 0)}; the first ${TEXT_SAMPLE} bytes must be plain ASCII text`,
    );
  }
  const line = lineWithDosEnd(script);
  if (line !== undefined) {
    throw qsubError(
      'qsub:  script is written in DOS/Windows text format',
      1,
      `Line ${line} ends with a carriage return; remove them all, for instance by: sed -i 's/\\r$//' SCRIPT`,
    );
  }
}

/** Refuse a script whose base name qsub does not take for the job's name. */
export function checkScriptName(name: string): void {
  if (!isJobName(name)) {
    throw qsubUsageError(
      'qsub: cannot form a valid job name from the script name',
      'Rename the script: printable ASCII characters without blanks, at most 256',
    );
  }
}

/** Would qsub take `name` as the name of a job? */
export function isJobName(name: string): boolean {
  return /^[\x21-\x7e]{0,256}$/.test(name);
}

// The C library's words for what can go wrong with a path.
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EIO: 'Input/output error',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  ESTALE: 'Stale file handle',
};

/** What qsub says about a script that it cannot find. `code` is that of the failed call: `ENOENT`. */
export function scriptNotFoundError(path: string, code = ''): VtorqueError {
  const reason = REASONS[code] ?? code;
  return qsubError(`qsub: script file '${path}' cannot be loaded - ${reason}`, 1, 'Check the path of the script');
}

/** What qsub says about a script that it cannot open. */
export function scriptUnreadableError(path: string): VtorqueError {
  return qsubUsageError('qsub: opening script file:', `You may not read "${path}"; see its permissions: ls -l`);
}

/** What qsub says about a directory, a device or a pipe in the script's place. */
export function notAFileError(path: string): VtorqueError {
  return qsubError('qsub: script not a file', 1, `"${path}" is not a regular file`);
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d);
}

function describe(byte: number): string {
  if (byte === 0) return 'a NUL, so this is not a script';
  return byte < 0x80 ? 'a control character' : 'not ASCII';
}

/** The number of the first line that qsub takes for a DOS line: its last but one byte is a carriage return. */
function lineWithDosEnd(script: Uint8Array): number | undefined {
  if (!script.includes(CR)) return undefined;
  let line = 1;
  for (let at = 0; at < script.length; ) {
    const lineEnd = script.indexOf(LF, at);
    const end = Math.min(lineEnd < 0 ? script.length : lineEnd + 1, at + DOS_BUFFER - 1);
    const nul = script.subarray(at, end).indexOf(0);
    const stringEnd = nul < 0 ? end : at + nul;
    if (stringEnd - at >= 2 && script[stringEnd - 2] === CR) return line;
    if (script[end - 1] === LF) line++;
    at = end;
  }
  return undefined;
}
