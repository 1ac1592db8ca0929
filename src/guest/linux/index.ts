export type { Account, Group } from './accounts.ts';
export { type AttachOptions, attachAgent, type GuestAgent, type ShutdownSpec } from './agent.ts';
export { buildAgent } from './build.ts';
export type { GuestCalls, MountSpec, NetSpec, RootSpec } from './calls.ts';
export { type CallOptions, GuestCallError } from './connection.ts';
export type { ExecSpec, ResourceLimit } from './exec-spec.ts';
export type { GuestConnection, GuestProcess } from './process.ts';
export type { GuestHello, ProcessEnd } from './protocol.ts';
