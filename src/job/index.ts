export { exitCodeOfPhase } from './exit-codes.ts';
export { type LaunchOptions, launch } from './launch.ts';
export { Cancelled, JobSignals } from './signals.ts';
export { steps, type Step, type TimelineEntry, timelinePath } from './timeline.ts';
