import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, VtorqueError } from '../../base/index.ts';
import { checkPinningFile, maxPinningFileBytes, parsePinningFile, type VmRequest } from '../../request/index.ts';

/**
 * Read the file of vcpu_pinning=FILE, if the request names one: what stands in it goes with the job.
 * @returns the request with it
 * @throws VtorqueError `E_PINNING_FILE`
 */
export async function withPinningFile(request: VmRequest): Promise<VmRequest> {
  const { vcpuPinning: pinning, vcpus, vmsPerNode = 1 } = request;
  if (typeof pinning !== 'object') return request;
  const vcpuPinning = parsePinningFile(pinning.file, await readSmall(pinning.file));
  checkPinningFile(vcpuPinning, vmsPerNode, vcpus);
  return { ...request, vcpuPinning };
}

async function readSmall(file: string): Promise<string> {
  const hint = 'Write vcpu_pinning=auto, vcpu_pinning=false or the name of a file with lines "VM VCPU CPU"';
  const unusable = (state: string, cause?: unknown): VtorqueError =>
    new VtorqueError('E_PINNING_FILE', `Cannot use vcpu_pinning="${file}": ${state}`, { hint, phase: 'check', cause });
  try {
    await using handle = await open(resolve(file));
    const { size } = await handle.stat();
    if (size > maxPinningFileBytes) throw unusable(`it has more than ${maxPinningFileBytes} bytes`);
    return await handle.readFile('utf8');
  } catch (error) {
    if (error instanceof VtorqueError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const state = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? messageOf(error)})`;
    throw unusable(state, error);
  }
}
