export { parseArray } from './arrays.ts';
export { parseAttribute } from './attributes.ts';
export { checkAsQsub, checkCombinations } from './checks.ts';
export { DEFAULT_PREFIX, type Directive, scanDirectives } from './directives.ts';
export { directiveOptions, type EffectiveOptions, effectiveOptions } from './effective.ts';
export { qsubError, qsubErrorText, qsubUsageError } from './errors.ts';
export { filePrefix, formatJobId, type JobId, parseJobId } from './job-id.ts';
export { formatNodeFile, type HostSlots, parseNodeFile } from './node-file.ts';
export { type NodeRequest, nodeCount, parseNodes } from './nodes.ts';
export { checkOptionValue } from './option-values.ts';
export { qsubOptions } from './options.ts';
export { formatWalltime, normaliseMem, parseMem, parseWalltime } from './quantities.ts';
export { checkMaySet, parseResourceList } from './resources.ts';
export {
  checkScriptName,
  checkScriptText,
  notAFileError,
  scriptNotFoundError,
  scriptUnreadableError,
} from './script-text.ts';
export { type FirstLook, firstLook } from './script-word.ts';
export { raiseSelect, type SelectLayout, selectLayout } from './select.ts';
export { formatVariables, originVariables, parseVariables, variableNames } from './variables.ts';
export { hasOption, type Operand, type QsubOption, type QsubWalk, walkQsubArgs } from './walk.ts';
export { quoteWord, splitWords } from './words.ts';
