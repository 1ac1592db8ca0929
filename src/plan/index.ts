export { guestNodeFile, type NodeAllocation, type PlannedVm, planVm } from './plan.ts';
