import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientConfig, knownHosts, refusingClientConfig, serverConfig } from './files.ts';

const owner = { name: 'alice', uid: 1000 };
const hosts = [
  { name: 'vn1-1', address: '10.9.0.16' },
  { name: 'vn2-1', address: '10.9.0.17' },
];

test('serverConfig() lets the owner of the job in by his key, at the address of the job', () => {
  const environment = { PBS_JOBID: '7.head', A: 'two "words" \\' };
  assert.equal(
    serverConfig({ owner, environment }),
    `HostKey /run/vtorque/ssh/host_key
AuthorizedKeysFile /run/vtorque/ssh/authorized/%u
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
AllowUsers alice
UsePAM no
PermitUserEnvironment no
AllowTcpForwarding yes
GatewayPorts no
PermitTunnel no
X11Forwarding yes
UseDNS no
PrintMotd no
PrintLastLog no
LoginGraceTime 120
MaxSessions 256
MaxAuthTries 20
Subsystem sftp internal-sftp
AcceptEnv LANG LC_*
SetEnv "PBS_JOBID=7.head" "A=two \\"words\\" \\\\"
`,
  );
});

test('serverConfig() leaves out variables that would make lines of their own', () => {
  const environment = { A: 'x\nPermitRootLogin yes', 'BASH_FUNC_x%%': '() { :; }', B: '\r', C: 'a\tb' };
  const config = serverConfig({ owner, environment });
  assert.match(config, /\nSetEnv "C=a\tb"\n$/);
  assert.doesNotMatch(serverConfig({ owner, environment: {} }), /SetEnv/);
});

test('serverConfig() gives names with the characters of patterns no meaning', () => {
  for (const name of ['alice@site.example', 'a*', '!alice', 'a b']) {
    assert.doesNotMatch(serverConfig({ owner: { name, uid: 1 }, environment: {} }), /AllowUsers/);
  }
});

test("serverConfig() lets root log in by the job's key where the job is root's", () => {
  const config = serverConfig({ owner: { name: 'root', uid: 0 }, environment: {} });
  assert.match(config, /^PermitRootLogin prohibit-password$/m);
});

test('clientConfig() asks nothing, checks the host key, and is for the VMs of the job only', () => {
  assert.equal(
    clientConfig(hosts),
    `# The virtual machines of this job.
Host vn1-1 10.9.0.16 vn2-1 10.9.0.17 localhost 127.0.0.1
  IdentityFile /run/vtorque/ssh/identity
  IdentitiesOnly yes
  PreferredAuthentications publickey
  GlobalKnownHostsFile /run/vtorque/ssh/known_hosts
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  CheckHostIP no
  UpdateHostKeys no
  ConnectionAttempts 10
Host *

`,
  );
});

test('refusingClientConfig() says why, and no character of the reason means anything to a shell', () => {
  const config = refusingClientConfig(hosts, 'it has no /usr/sbin/sshd');
  assert.match(
    config,
    /ProxyCommand echo "vtorque: Cannot reach %h by ssh: it has no \/usr\/sbin\/sshd" >&2; exit 1\n/,
  );
  assert.match(refusingClientConfig(hosts, '"; $(reboot) `x` %n \\'), /by ssh: +reboot +x +n +" >&2/);
});

test('knownHosts() has one key for all names and addresses, in lines of a sane length', () => {
  assert.equal(
    knownHosts(hosts, 'ssh-ed25519 AAAA'),
    'vn1-1,10.9.0.16,vn2-1,10.9.0.17,localhost,127.0.0.1 ssh-ed25519 AAAA\n',
  );
  const many = Array.from({ length: 500 }, (_, i) => ({ name: `vn${i}-1`, address: `10.0.${i >> 8}.${i & 255}` }));
  const lines = knownHosts(many, 'KEY').split('\n').slice(0, -1);
  assert.equal(lines.length, 11);
  assert.ok(lines.every((line) => line.length < 4000 && line.endsWith(' KEY')));
  assert.equal(lines.flatMap((line) => line.split(' ')[0]?.split(',') ?? []).length, 1002);
});
