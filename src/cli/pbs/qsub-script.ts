import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import {
  checkScriptName,
  checkScriptText,
  notAFileError,
  scriptNotFoundError,
  scriptUnreadableError,
} from '../../pbs/index.ts';

export interface Script {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Read the job's script, from standard input when there is no path.
 * @throws VtorqueError `E_QSUB` in qsub's words
 */
export async function readScript(path: string | undefined): Promise<Script> {
  if (path === undefined) {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return { name: 'STDIN', bytes: Buffer.concat(chunks) };
  }
  checkFile(path);
  const bytes = read(path);
  checkScriptName(basename(path));
  checkScriptText(bytes);
  return { name: basename(path), bytes };
}

/**
 * The script of an interactive job: only its directives count, and it need not be there.
 * @param asCommand it is what the job runs (-x): any program, and a script only if it is text
 * @throws VtorqueError `E_QSUB` in qsub's words
 */
export function readInteractiveScript(path: string | undefined, asCommand: boolean): Script {
  const none: Script = { name: 'STDIN', bytes: Buffer.alloc(0) };
  if (path === undefined) return none;
  try {
    checkFile(path);
    const bytes = read(path);
    checkScriptName(basename(path));
    checkScriptText(bytes);
    return { name: basename(path), bytes };
  } catch (error) {
    if (asCommand) return none;
    throw error;
  }
}

function checkFile(path: string): void {
  let file: boolean;
  try {
    file = statSync(path).isFile();
  } catch (error) {
    throw scriptNotFoundError(path, (error as NodeJS.ErrnoException).code);
  }
  if (!file) throw notAFileError(path);
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    throw scriptUnreadableError(path);
  }
}
