export type { Account, Group } from './accounts.ts';
export { attachAgent, type GuestAgent } from './agent.ts';
export { buildAgent } from './build.ts';
export type { ServeSpec } from './calls.ts';
export { GuestCallError } from './connection.ts';
export type { ExecSpec, ResourceLimit } from './exec-spec.ts';
export type { GuestConnection, GuestProcess } from './process.ts';
export type { GuestHello, ProcessEnd } from './protocol.ts';
