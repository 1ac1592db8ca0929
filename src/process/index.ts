export { type BoundProcess, type BoundSpawn, describeEnd, type ProcessEnd, spawnBound } from './bound-process.ts';
export { Tail } from './tail.ts';
