export type { HugePages, LogicalCpu, NodeFacts, NumaNode } from './node-facts.ts';
export { type PlacedVm, type Placement, type PlacementOptions, planPlacement, type SmtPolicy } from './placement.ts';
export { guestNodeFile, type PlannedVm, planVms } from './plan.ts';
