import { readFile, stat } from 'node:fs/promises';
import { fileReason, VtorqueError } from '../../base/index.ts';
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
    const facts = await stat(file);
    // Of a device or a pipe there may be no end.
    if (!facts.isFile()) throw unusable('it is no file');
    if (facts.size > maxPinningFileBytes) throw unusable(`it has more than ${maxPinningFileBytes} bytes`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof VtorqueError) throw error;
    throw unusable(fileReason(error), error);
  }
}
