export { type NodeAgentOptions, runNodeAgent } from './run.ts';
export { type ServedGuest, type ServeOptions, serveLauncher } from './serve.ts';
