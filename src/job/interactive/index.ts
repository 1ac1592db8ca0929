export { UserChannel } from './channel.ts';
export { launchInteractive } from './launch.ts';
export { readInteractiveWord, SUBMISSION_VARIABLE } from './submission.ts';
