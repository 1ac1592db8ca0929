import { basename } from 'node:path';
import type { VtorqueError } from '../../base/index.ts';
import { DEFAULT_PREFIX } from '../../pbs/index.ts';
import { readScriptFile } from '../script-file.ts';
import type { CommandLine } from './command-line.ts';
import { readScriptRequests, type ScriptRequest } from './script-requests.ts';

/** The job's script as vsub found it. */
export interface JobScript {
  /** `STDIN` for one on standard input, as in qsub. */
  readonly name: string;
  readonly bytes: Buffer;
  /** What was read from standard input: qsub must get it from us. */
  readonly stdin?: Buffer;
  /** The requests for a VM in it, in order. */
  readonly requests: readonly ScriptRequest[];
  /** Why qsub will not take the file. It says so itself unless we must speak before it. */
  readonly problem?: VtorqueError;
}

/**
 * Read the script where qsub will find it.
 * @throws VtorqueError for requests in it that cannot be read
 */
export async function readJobScript({ look, walk }: CommandLine): Promise<JobScript> {
  const prefix = look.prefix ?? DEFAULT_PREFIX;
  if (look.script !== undefined) {
    const { bytes, problem } = readScriptFile(look.script.text);
    const name = basename(look.script.text);
    return { name, bytes, requests: readScriptRequests(bytes, prefix), ...(problem === undefined ? {} : { problem }) };
  }
  // An interactive job has no script, and what comes on standard input is for its shell.
  if (look.interactive || walk.options.some(({ name }) => name === 'I')) {
    return { name: 'STDIN', bytes: Buffer.alloc(0), requests: [] };
  }
  const stdin = await readAll(process.stdin);
  return { name: 'STDIN', bytes: stdin, stdin, requests: readScriptRequests(stdin, prefix) };
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
