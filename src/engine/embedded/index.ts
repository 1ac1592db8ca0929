export { followJob, waitForJob } from './client.ts';
export { instanceInfo, meaning, meantInstance, startInstance, stopInstance } from './control.ts';
export { type NodeNames, readNodeNames } from './nodes.ts';
export type { InfoReply, JobView } from './protocol.ts';
export { helpersIn } from './shepherd/build.ts';
