export { type Counter, type Counters, count, countersDirectory, readCounters } from './counters.ts';
export type { Event } from './event.ts';
export { metricsText } from './metrics.ts';
