import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { VtorqueError } from '../../../base/index.ts';
import type { GuestAgent } from '../../../guest/linux/index.ts';
import { newSshKey } from './key.ts';
import { startSshServer, writeSshFiles } from './start.ts';

const owner = { name: 'alice', uid: 1000, gid: 1000, home: '/home/alice', shell: '/bin/sh', groups: [] };
const hosts = ['vn1-1', 'vn1-2'].map((name, rank) => ({ name, address: `10.9.0.${16 + rank}` }));
const ssh = { user: newSshKey('u'), host: newSshKey('h') };
const guest = { owner, address: '10.9.0.16', hosts, ssh, environment: { A: 'of the job' } };

interface Fake {
  readonly agent: GuestAgent;
  readonly files: Map<string, { readonly text: string; readonly mode: number; readonly uid: number }>;
}

/** A guest whose server says these lines and then ends, or, without lines, is not there. */
function fakeGuest({ config = '', says }: { readonly config?: string; readonly says?: readonly string[] }): Fake {
  const files: Fake['files'] = new Map();
  const calls = {
    mkdir: async () => {},
    writeFile: async (path: string, text: string, { mode, uid }: { mode: number; uid: number }) =>
      void files.set(path, { text, mode, uid }),
  };
  const agent = {
    ...calls,
    readFile: async () => Buffer.from(config),
    batch: (make: (each: typeof calls) => Promise<unknown>[]) => Promise.all(make(calls)),
    exec: ({ argv: [program] }: { argv: string[] }) => {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      const lines = program === 'rm' ? [] : says;
      stdout.end();
      stderr.end((lines ?? []).map((line) => `${line}\r\n`).join(''));
      const ended = new Promise((resolve) => stderr.once('end', () => setImmediate(resolve, { code: 255 })));
      const missing = Promise.reject(new VtorqueError('E_GUEST_EXEC', 'Cannot start it'));
      missing.catch(() => {});
      return { stdout, stderr, exit: lines === undefined ? missing : ended };
    },
  };
  return { agent: agent as unknown as GuestAgent, files };
}

const fragment = '/etc/ssh/ssh_config.d/00-vtorque.conf';
const including = 'Include /etc/ssh/ssh_config.d/*.conf\n';

test('writeSshFiles() keeps the private keys closed and gives sessions the environment of the job', async () => {
  const { agent, files } = fakeGuest({ config: including });
  const calls: Promise<unknown>[] = [];
  writeSshFiles(agent, guest, (call) => calls.push(call));
  await Promise.all(calls);
  const modes = ['sshd_config', 'host_key', 'identity'].map((name) => files.get(`/run/vtorque/ssh/${name}`));
  assert.deepEqual(
    modes.map((file) => [file?.mode, file?.uid]),
    [
      [0o600, 0],
      [0o600, 0],
      [0o600, 1000],
    ],
  );
  assert.match(modes[0]?.text ?? '', /SetEnv "A=of the job"\n/);
  assert.equal(files.get('/run/vtorque/ssh/authorized/alice')?.text, `${ssh.user.publicKey}\n`);
  assert.match(files.get(fragment)?.text ?? '', /^Host vn1-1 10\.9\.0\.16 vn1-2 /m);
  assert.equal(files.get('/etc/ssh/ssh_config'), undefined);
});

test("writeSshFiles() puts the client's settings before those of a system that includes no directory", async () => {
  const { agent, files } = fakeGuest({ config: 'Host *\n  Port 2222\n' });
  const calls: Promise<unknown>[] = [];
  writeSshFiles(agent, guest, (call) => calls.push(call));
  await Promise.all(calls);
  assert.match(
    files.get('/etc/ssh/ssh_config')?.text ?? '',
    /^# The virt[\s\S]*\nHost \*\n\nHost \*\n {2}Port 2222\n$/,
  );
});

test("startSshServer() tells when it listens at the VM's address", async () => {
  const { agent } = fakeGuest({
    says: ['Server listening on 10.9.0.16 port 22.', 'Server listening on 127.0.0.1 port 22.'],
  });
  assert.equal(await startSshServer(agent, guest, {}).state, 'listens');
});

test('startSshServer() tells why others cannot log in, also to who tries in the guest', async () => {
  const cases: [string, RegExp, (readonly string[])?][] = [
    ['no server', /^it has no \/usr\/sbin\/sshd$/],
    ['a taken port', /Bind to port 22 on 10\.9\.0\.16 failed/, ['error: Bind to port 22 on 10.9.0.16 failed: in use.']],
    ['a server that ends', /ended: no hostkeys available/, ['no hostkeys available']],
  ];
  for (const [what, why, says] of cases) {
    const { agent, files } = fakeGuest({ config: including, ...(says === undefined ? {} : { says }) });
    const state = await startSshServer(agent, guest, {}).state;
    assert.ok(state !== 'listens', what);
    assert.match(state.why, why);
    assert.match(files.get(fragment)?.text ?? '', /ProxyCommand echo "vtorque: Cannot reach %h by ssh: /);
  }
});
