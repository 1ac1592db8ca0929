export type { DiskRequest } from './disk-value.ts';
export type { HookRequest, MountRequest, PinningRequest, VariableRequest } from './further-values.ts';
export { availableKeys, findKey, type KeySpec, vmKeys } from './keys.ts';
export { at, describeOrigin, isDefault, OPTIONS_VARIABLE, type Origin, type OriginKind } from './origin.ts';
export { parseVmItem, parseVmValue, type VmSetting } from './parse.ts';
export {
  checkPinningFile,
  maxPinningFileBytes,
  type PinnedCpu,
  type PinningFile,
  parsePinningFile,
} from './pinning-file.ts';
export {
  completeRequest,
  effectiveSettings,
  mergeSettings,
  type PartialRequest,
  type RequestDefaults,
  type VmRequest,
} from './request.ts';
export { formatItem, splitItems } from './split.ts';
export type { ValueType } from './values.ts';
