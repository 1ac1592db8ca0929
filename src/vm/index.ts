export { type AcceleratorChoice, chooseAccelerator, knownAccelerator } from './accelerator.ts';
export { qemuArguments } from './command-line.ts';
export { type RunningVm, type StartOptions, startVm } from './machine.ts';
export { qemuProgram } from './program.ts';
export {
  type Accelerator,
  type DataDisk,
  dataDiskSerial,
  firstFileDescriptor,
  firstFreeDescriptor,
  type NetworkDevice,
  qemuDescriptors,
  type RootOverlay,
  type ShareDevice,
  type VmPlacement,
  type VmSpec,
} from './spec.ts';
export { trialBoot } from './trial-boot.ts';
export {
  blamesTemplate,
  buildTemplateMemory,
  type ColdBoot,
  cloning,
  coldBoot,
  collectTemplates,
  fallback,
  giveUpTemplate,
  labelOf,
  listTemplates,
  type OpenTemplate,
  type TemplateChoice,
  type TemplateEntry,
  templateFor,
  verifyTemplates,
} from './warm/index.ts';
