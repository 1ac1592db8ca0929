export { type AcceleratorChoice, chooseAccelerator, knownAccelerator, type ProbeDeps } from './accelerator.ts';
export { qemuArguments } from './command-line.ts';
export { qemuProgram, type RunningVm, type StartOptions, startVm } from './machine.ts';
export {
  type Accelerator,
  guestMac,
  qemuDescriptors,
  type RootDisk,
  type ShareDevice,
  type VmBoot,
  type VmSpec,
} from './spec.ts';
export { trialBoot } from './trial-boot.ts';
