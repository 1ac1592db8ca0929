export { followJob, jobStatus, waitForJob } from './embedded/client.ts';
export type { JobView } from './embedded/protocol.ts';
export type { AllocatedNode, Allocation, BatchNode, JobEngine, NodeTasks } from './engine.ts';
export { type FoundEngine as Engine, findEngine } from './find.ts';
export { findJobEngine } from './find-job.ts';
