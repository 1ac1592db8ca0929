export type {
  AllocatedNode,
  Allocation,
  BatchNode,
  Engine,
  EngineName,
  InteractiveCommand,
  JobEngine,
  JobStatus,
  NodeTasks,
  Submitted,
} from './engine.ts';
export { findEngine } from './find.ts';
export { findJobEngine } from './find-job.ts';
export { pbsMomHome } from './openpbs/places.ts';
export { hookedAttempt, readPbsJob } from './pbs-job.ts';
