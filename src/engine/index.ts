export { followJob, jobStatus, waitForJob } from './embedded/client.ts';
export type { JobView } from './embedded/protocol.ts';
export type {
  AllocatedNode,
  Allocation,
  BatchNode,
  Engine,
  EngineName,
  HookCall,
  InteractiveCommand,
  JobDescription,
  JobEngine,
  JobStatus,
  LiveJobs,
  NodeTasks,
  Submitted,
} from './engine.ts';
export { findEngine } from './find.ts';
export { findJobEngine } from './find-job.ts';
export { type HookOutcome, hookExitCode, readHookCall } from './hooks.ts';
export { hookedAttempt, type PbsJob, readPbsJob } from './pbs-job.ts';
