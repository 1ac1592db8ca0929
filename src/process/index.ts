export { type BoundProcess, type BoundSpawn, describeEnd, type ProcessEnd, spawnBound } from './bound-process.ts';
export { type CProgram, compileProgram } from './compile.ts';
export { type LockOptions, lockFile } from './file-lock.ts';
export { boundProgram, buildBound } from './native/build.ts';
export { peerOf } from './peer.ts';
export { Tail } from './tail.ts';
