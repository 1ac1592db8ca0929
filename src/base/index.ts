export { formatCpuList, parseCpuList } from './cpu-list.ts';
export { orAborted, within } from './deadline.ts';
export { nearest } from './did-you-mean.ts';
export { messageOf, onNode, type Phase, VtorqueError, type VtorqueErrorOptions } from './errors.ts';
export { sha256 } from './sha256.ts';
export { shellQuote, shellWord } from './shell-words.ts';
export { formatSize, parseSize } from './units.ts';
