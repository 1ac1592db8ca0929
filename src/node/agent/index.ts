export { runNodeAgent } from './run.ts';
export { type ServedGuests, serveLauncher } from './serve.ts';
