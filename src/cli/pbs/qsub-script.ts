import { basename } from 'node:path';
import { readScriptFile } from '../script-file.ts';

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
  return readNamed(path);
}

/**
 * The script of an interactive job: only its directives count, and it need not be there.
 * @param asCommand it is what the job runs (-x): any program, and a script only if it is text
 * @throws VtorqueError `E_QSUB` in qsub's words
 */
export function readInteractiveScript(path: string | undefined, asCommand: boolean): Script {
  const none: Script = { name: 'STDIN', bytes: Buffer.alloc(0) };
  if (path === undefined) return none;
  return asCommand && readScriptFile(path).problem !== undefined ? none : readNamed(path);
}

function readNamed(path: string): Script {
  const { bytes, problem } = readScriptFile(path);
  if (problem !== undefined) throw problem;
  return { name: basename(path), bytes };
}
