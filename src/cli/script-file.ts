import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { VtorqueError } from '../base/index.ts';
import {
  checkScriptName,
  checkScriptText,
  notAFileError,
  scriptNotFoundError,
  scriptUnreadableError,
} from '../pbs/index.ts';

/** A script as qsub looks at it. */
export interface ScriptFile {
  /** None of a file that could not be read. */
  readonly bytes: Buffer;
  /** Why qsub does not take the file, in its words. */
  readonly problem?: VtorqueError;
}

export function readScriptFile(path: string): ScriptFile {
  const none = Buffer.alloc(0);
  try {
    if (!statSync(path).isFile()) return { bytes: none, problem: notAFileError(path) };
  } catch (error) {
    return { bytes: none, problem: scriptNotFoundError(path, (error as NodeJS.ErrnoException).code) };
  }
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return { bytes: none, problem: scriptUnreadableError(path) };
  }
  try {
    checkScriptName(basename(path));
    checkScriptText(bytes);
    return { bytes };
  } catch (problem) {
    return { bytes, problem: problem as VtorqueError };
  }
}
