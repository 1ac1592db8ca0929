export type { LinkKey } from '../../link/index.ts';
export { listenPlace } from './address.ts';
export { Channel, type ChannelTimes } from './channel.ts';
export { connectToLauncher, type LauncherPlace } from './connect.ts';
export { linkKey } from './keys.ts';
export {
  errorData,
  type FromNode,
  type NodePlan,
  nodeError,
  PROTOCOL_VERSION,
  readFromNode,
  readToNode,
  type ToNode,
} from './messages.ts';
export { type OpenTrunks, openTrunks } from './trunks.ts';
