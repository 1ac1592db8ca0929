export { consoleGone, findConsole } from './console/find.ts';
export { CONSOLE_TOKEN, type ConsoleGreeting, greetingLine } from './console/greeting.ts';
export { exitCodeOfPhase } from './exit-codes.ts';
export { followTimeline } from './follow.ts';
export { type LaunchOptions, launch } from './launch.ts';
export { Cancelled, JobSignals } from './signals.ts';
export { type ConsolePlace, type Step, steps, type TimelineEntry, timelinePath } from './timeline.ts';
