export { type NodeAgentOptions, runNodeAgent } from './run.ts';
export { type ServedGuests, type ServeOptions, serveLauncher } from './serve.ts';
