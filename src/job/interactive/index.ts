export { UserChannel } from './channel.ts';
export { type InteractiveLaunch, launchInteractive } from './launch.ts';
export { isInteractiveWord, readInteractiveWord } from './submission.ts';
