export { UserChannel } from './channel.ts';
export { type InteractiveLaunch, launchInteractive } from './launch.ts';
export { readInteractiveWord, SUBMISSION_VARIABLE } from './submission.ts';
