/*
 * Programs that we start. Which to take:
 * - run: to its end, its outcome as data, also when it fails; runTool: its output, or an error
 * - spawnBound: runs beside us and ends with us (QEMU, virtiofsd)
 * - runInForeground: at the user's terminal, in our place (qsub, ssh)
 * - start: anything else, with its own streams or a life of its own (srun, a daemon)
 */
export { bindThreads } from './bind-threads.ts';
export { type BoundProcess, describeEnd, spawnBound } from './bound-process.ts';
export { compileProgram } from './compile.ts';
export { lockDescriptor } from './descriptor-lock.ts';
export { makePrivateDirectory, makeReadableDirectory } from './directories.ts';
export { type HeldLock, lockFile } from './file-lock.ts';
export { runInForeground } from './foreground.ts';
export { isAlive, ownIdentity, type ProcessIdentity } from './identity.ts';
export { onProcessLeft } from './left.ts';
export { buildProcessPrograms } from './native/build.ts';
export { peerOf } from './peer.ts';
export { type Ran, ROOTS_PATH, type RunOptions, run, runTool, succeeded, ToolFailed } from './run.ts';
export { type Argv, boundToUs, type ProcessEnd, type Started, start } from './start.ts';
export { Tail } from './tail.ts';
