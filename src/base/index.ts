export { type BoundProcess, type BoundSpawn, describeEnd, type ProcessEnd, spawnBound } from './bound-process.ts';
export { within } from './deadline.ts';
export { nearest } from './did-you-mean.ts';
export { messageOf, type Phase, VtorqueError, type VtorqueErrorOptions } from './errors.ts';
export { Tail } from './tail.ts';
export { formatSize, parseSize } from './units.ts';
