export { availableKeys, findKey, type KeySpec, vmKeys } from './keys.ts';
export { at, type Origin, parseVmValue, type VmSetting } from './parse.ts';
export {
  completeRequest,
  mergeSettings,
  type PartialRequest,
  type RequestDefaults,
  type VmRequest,
} from './request.ts';
export { formatItem, splitItems } from './split.ts';
export type { ValueType } from './values.ts';
