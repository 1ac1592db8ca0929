export { bindThreads } from './bind-threads.ts';
export { type BoundProcess, describeEnd, endWithin, type ProcessEnd, spawnBound } from './bound-process.ts';
export { compileProgram } from './compile.ts';
export { lockDescriptor } from './descriptor-lock.ts';
export { type HeldLock, lockFile } from './file-lock.ts';
export { boundProgram, buildProcessPrograms } from './native/build.ts';
export { peerOf } from './peer.ts';
export { ROOTS_PATH, runTool } from './run-tool.ts';
export { Tail } from './tail.ts';
