import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileReason, formatSize, VtorqueError } from '../../base/index.ts';
import type { UserHooks } from '../../job/submission.ts';
import type { HookedJob } from '../../node/guest/index.ts';
import type { EffectiveOptions } from '../../pbs/index.ts';
import type { HookRequest, VmRequest } from '../../request/index.ts';

/** They travel with the job, as the script does. */
const LARGEST = 64 * 1024;
/** An interactive job has no script that could carry them: they travel in one of its variables. */
const LARGEST_INTERACTIVE = 16 * 1024;

const KEYS = [
  ['vm_prologue', 'vmPrologue'],
  ['vm_epilogue', 'vmEpilogue'],
] as const;

/**
 * Read the user's hooks as they are now: what becomes of the files later does not matter.
 * @param request with absolute paths
 * @throws VtorqueError `E_HOOK_FILE` for a file that is not there, closed, too large, or no program
 */
export async function readUserHooks(request: VmRequest, interactive: boolean): Promise<UserHooks | undefined> {
  const asked = KEYS.flatMap(([key, field]) => (request[field] === undefined ? [] : [[key, request[field]] as const]));
  if (asked.length === 0) return undefined;
  const largest = interactive ? LARGEST_INTERACTIVE : LARGEST;
  const read = await Promise.all(asked.map(async ([key, hook]) => [key, await readHook(key, hook, largest)] as const));
  return Object.fromEntries(read);
}

/** What hooks are told of a job in their arguments. */
export function hookedJob(options: EffectiveOptions): HookedJob {
  const resources = [...options.resources].map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  return { resources: resources.join(','), account: options.value('A') ?? '' };
}

async function readHook(
  key: string,
  { file, where }: HookRequest,
  largest: number,
): Promise<{ readonly name: string; readonly base64: string; readonly where: HookRequest['where'] }> {
  const refuse = (state: string, hint: string): VtorqueError =>
    new VtorqueError('E_HOOK_FILE', `Cannot use ${key}="${file}": ${state}`, { hint, phase: 'check' });
  let bytes: Buffer;
  try {
    const facts = await stat(file);
    if (!facts.isFile()) throw refuse('it is no file', `Write ${key}=FILE, and :first behind it for the first VM only`);
    if (facts.size > largest) {
      const most = formatSize(largest);
      throw refuse(`it has ${facts.size} bytes, more than ${most}`, 'Let it call a program in one of your directories');
    }
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof VtorqueError) throw error;
    throw refuse(fileReason(error), `Write ${key}=FILE, and :first behind it for the first VM only`);
  }
  // Without it /bin/sh of the guest would take it for its own, whatever it is written for.
  const [line = ''] = bytes.subarray(0, 256).toString('latin1').split('\n');
  if (!line.startsWith('#!') && !line.startsWith('\x7fELF')) {
    throw refuse('it does not begin with #!', 'Write a first line such as #!/bin/sh');
  }
  if (line.startsWith('#!') && line.endsWith('\r')) {
    throw refuse('it has the line ends of DOS', 'Change them, for instance with dos2unix');
  }
  return { name: basename(file), base64: bytes.toString('base64'), where };
}
