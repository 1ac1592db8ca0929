import { jobDirectory } from '../kinds/kind.ts';

/** Root's, in the guest's own memory; nobody else can list it. */
export const sshDirectory = `${jobDirectory}/ssh`;

export const sshPaths = {
  server: `${sshDirectory}/sshd_config`,
  hostKey: `${sshDirectory}/host_key`,
  authorized: `${sshDirectory}/authorized`,
  identity: `${sshDirectory}/identity`,
  knownHosts: `${sshDirectory}/known_hosts`,
  /** What the server says of clients. */
  log: `${sshDirectory}/log`,
} as const;

/** A VM of the job, as others reach it. */
export interface SshHost {
  readonly name: string;
  /** IPv4; none without a network. */
  readonly address?: string | undefined;
}

export interface ServerConfig {
  /** Of the job. */
  readonly owner: { readonly name: string; readonly uid: number };
  /** Of every session. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Where a VM listens whose address is not known beforehand. */
export const anyAddress = '0.0.0.0';

/** Slow guests, many of which log in at once. */
const graceSeconds = 120;

/** sshd_config of a guest: the job's owner alone, with the job's key alone. Pure. */
export function serverConfig({ owner, environment }: ServerConfig): string {
  const lines = [
    `HostKey ${sshPaths.hostKey}`,
    `AuthorizedKeysFile ${sshPaths.authorized}/%u`,
    'AuthenticationMethods publickey',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    `PermitRootLogin ${owner.uid === 0 ? 'prohibit-password' : 'no'}`,
    // In other names there are characters that are patterns here; then the key decides alone.
    ...(/^[\w.-]+$/.test(owner.name) ? [`AllowUsers ${owner.name}`] : []),
    // Of the node's directory service, which may refuse who has a job and no login there; limits are those of the script.
    'UsePAM no',
    'PermitUserEnvironment no',
    'AllowTcpForwarding yes',
    'GatewayPorts no',
    'PermitTunnel no',
    'X11Forwarding yes',
    'UseDNS no',
    'PrintMotd no',
    'PrintLastLog no',
    `LoginGraceTime ${graceSeconds}`,
    'MaxSessions 256',
    'MaxAuthTries 20',
    'Subsystem sftp internal-sftp',
    'AcceptEnv LANG LC_*',
    ...variables(environment),
  ];
  return text(lines);
}

/** Variables of sessions, as far as the file can carry them, which has lines. The server looks at the first such line only. */
function variables(environment: Readonly<Record<string, string>>): string[] {
  const settings = Object.entries(environment)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
    .filter(([name, value]) => /^[A-Za-z_]\w*$/.test(name) && !/[\x00-\x08\x0a-\x1f\x7f]/.test(value))
    .map(([name, value]) => `"${name}=${value.replace(/["\\]/g, '\\$&')}"`);
  return settings.length === 0 ? [] : [`SetEnv ${settings.join(' ')}`];
}

/** ssh_config of a guest, for the job's own VMs and nothing else. Pure. */
export function clientConfig(hosts: readonly SshHost[]): string {
  return text([
    '# The virtual machines of this job.',
    `Host ${[...hosts.flatMap(namesOf), 'localhost', '127.0.0.1'].join(' ')}`,
    `  IdentityFile ${sshPaths.identity}`,
    '  IdentitiesOnly yes',
    '  PreferredAuthentications publickey',
    `  GlobalKnownHostsFile ${sshPaths.knownHosts}`,
    '  UserKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '  CheckHostIP no',
    '  UpdateHostKeys no',
    // One a second: the server of a VM may have been started only now.
    '  ConnectionAttempts 10',
    'Host *',
    '',
  ]);
}

/** The same for guests without a server: who tries learns why it cannot be. Pure. */
export function refusingClientConfig(hosts: readonly SshHost[], why: string): string {
  return text([
    '# The virtual machines of this job.',
    `Host ${hosts.flatMap(namesOf).join(' ')}`,
    `  ProxyCommand echo "vtorque: Cannot reach %h by ssh: ${why.replace(/[^\w ./,:-]/g, ' ')}" >&2; exit 1`,
    'Host *',
    '',
  ]);
}

/** Lines of old programs end somewhere. */
const namesPerLine = 100;

/** The one host key of all VMs of the job, under their names and addresses. Pure. */
export function knownHosts(hosts: readonly SshHost[], hostKey: string): string {
  const names = [...hosts.flatMap(namesOf), 'localhost', '127.0.0.1'];
  const lines: string[] = [];
  for (let at = 0; at < names.length; at += namesPerLine) {
    lines.push(`${names.slice(at, at + namesPerLine).join(',')} ${hostKey}`);
  }
  return text(lines);
}

function namesOf({ name, address }: SshHost): string[] {
  return address === undefined ? [name] : [name, address];
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
