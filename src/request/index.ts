export type { HookRequest, MountRequest, PinningRequest } from './further-values.ts';
export { availableKeys, findKey, type KeySpec, vmKeys } from './keys.ts';
export { describeOrigin, isDefault, OPTIONS_VARIABLE, type Origin, withOrigin } from './origin.ts';
export { parseVmItem, parseVmValue, type VmSetting } from './parse.ts';
export { checkPinningFile, maxPinningFileBytes, type PinningFile, parsePinningFile } from './pinning-file.ts';
export { completeRequest, effectiveSettings, mergeSettings, type PartialRequest, type VmRequest } from './request.ts';
