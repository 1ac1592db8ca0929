export { type ArrayRequest, parseArray } from './arrays.ts';
export { parseAttribute } from './attributes.ts';
export { checkAsQsub, checkCombinations } from './checks.ts';
export { DEFAULT_PREFIX, type Directive, type DirectiveScan, scanDirectives } from './directives.ts';
export { directiveOptions, type EffectiveOptions, effectiveOptions } from './effective.ts';
export { qsubError, qsubErrorText, qsubUsage, qsubUsageError } from './errors.ts';
export { filePrefix, formatJobId, type JobId, parseJobId } from './job-id.ts';
export { formatNodeFile, type HostSlots, parseNodeFile } from './node-file.ts';
export { type NodeRequest, nodeCount, parseNodes } from './nodes.ts';
export { checkOptionValue } from './option-values.ts';
export { optionTakesValue, type QsubOptionSpec, qsubOptions, qsubOptstring } from './options.ts';
export { formatWalltime, normaliseMem, parseMem, parseWalltime } from './quantities.ts';
export { checkMaySet, mergeResources, parseResourceList, type Resource } from './resources.ts';
export {
  checkScriptName,
  checkScriptText,
  isJobName,
  notAFileError,
  scriptNotFoundError,
  scriptUnreadableError,
} from './script-text.ts';
export { type FirstLook, firstLook } from './script-word.ts';
export { raiseSelect, type SelectLayout, selectLayout } from './select.ts';
export { formatVariables, parseVariables, readVariableList, variableNames } from './variables.ts';
export {
  hasOption,
  lastValue,
  type Operand,
  printWalk,
  type QsubOption,
  type QsubWalk,
  type WalkOptions,
  walkQsubArgs,
} from './walk.ts';
export { quoteWord, splitWords } from './words.ts';
