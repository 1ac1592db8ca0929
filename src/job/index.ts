export { exitCodeOf, exitCodeOfPhase } from './exit-codes.ts';
export { followTimeline } from './follow.ts';
export { type LaunchOptions, launch } from './launch.ts';
export { AGENT_WORD } from './nodes/agent-word.ts';
export { Cancelled, JobSignals } from './signals.ts';
export { type ConsolePlace, type Step, steps, type TimelineEntry, timelinePath } from './timeline.ts';
