export { guestEnvironment, systemEnvironment } from './guest-environment.ts';
export { jobVariables, type Variables } from './job-variables.ts';
export { environmentReference } from './reference.ts';
