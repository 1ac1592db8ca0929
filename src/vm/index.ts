export { type AcceleratorChoice, chooseAccelerator, type ProbeDeps } from './accelerator.ts';
export { qemuArguments } from './command-line.ts';
export { qemuProgram, type RunningVm, type StartOptions, startVm } from './machine.ts';
export type { Accelerator, RootDisk, ShareDevice, VmSpec } from './spec.ts';
