export { commandsDir, connectInstance, followJob, jobStatus, NoServerError, request, waitForJob } from './client.ts';
export {
  instanceInfo,
  meaning,
  meantInstance,
  type StartOptions,
  type StartResult,
  startInstance,
  stopInstance,
} from './control.ts';
export { type InfoReply, type JobView, type NodeView, PbsError } from './protocol.ts';
export { buildShepherd, type Helpers, helpersIn } from './shepherd/build.ts';
