export { bindThreads, type ThreadBinding } from './bind-threads.ts';
export { type BoundProcess, type BoundSpawn, describeEnd, type ProcessEnd, spawnBound } from './bound-process.ts';
export { type CProgram, compileProgram } from './compile.ts';
export { lockDescriptor } from './descriptor-lock.ts';
export { type LockOptions, lockFile } from './file-lock.ts';
export { boundProgram, buildProcessPrograms } from './native/build.ts';
export { peerOf } from './peer.ts';
export { Tail } from './tail.ts';
