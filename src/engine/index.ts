export { followJob, jobStatus, waitForJob } from './embedded/client.ts';
export type { JobView } from './embedded/protocol.ts';
export type { BatchNode, Engine } from './engine.ts';
export { findEngine } from './find.ts';
