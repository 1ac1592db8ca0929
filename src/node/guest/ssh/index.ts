export { anyAddress, type SshHost, sshPaths } from './files.ts';
export { newSshKey, type SshKey } from './key.ts';
export {
  type JobSsh,
  type SshGuest,
  type SshServerState,
  serverProgram,
  startSshServer,
  writeSshFiles,
} from './start.ts';
