export { guestNodeFile, type PlannedVm, planVms } from './plan.ts';
