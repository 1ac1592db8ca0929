export { Channel, type ChannelTimes, usualTimes } from './channel.ts';
export { connectToLauncher, type LauncherPlace } from './connect.ts';
export { type LinkKey, linkKey } from './keys.ts';
export { type LinkListener, listenForNodes } from './listen.ts';
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
