export { type AcceleratorChoice, chooseAccelerator, knownAccelerator, type ProbeDeps } from './accelerator.ts';
export { qemuArguments } from './command-line.ts';
export { type MachineStart, qemuProgram, type RunningVm, type StartOptions, startVm } from './machine.ts';
export {
  type Accelerator,
  type DataDisk,
  dataDiskSerial,
  firstFileDescriptor,
  firstFreeDescriptor,
  type NetworkDevice,
  qemuDescriptors,
  type RootDisk,
  type RootOverlay,
  type ShareDevice,
  type VmBoot,
  type VmPlacement,
  type VmSpec,
} from './spec.ts';
export { trialBoot } from './trial-boot.ts';
export {
  buildTemplateMemory,
  cloning,
  collectTemplates,
  giveUpTemplate,
  listTemplates,
  type OpenTemplate,
  type TemplateChoice,
  type TemplateEntry,
  type TemplateOptions,
  templateFor,
} from './warm/index.ts';
