export { exitCodeOf } from './exit-codes.ts';
export { followTimeline } from './follow.ts';
export { launch } from './launch.ts';
export { AGENT_WORD } from './nodes/agent-word.ts';
export { Cancelled, endsJob, JobSignals, signalsOfJobs } from './signals.ts';
export { type TimelineEntry, timelinePath } from './timeline.ts';
