import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { VtorqueError } from '../../../base/index.ts';
import { type GuestAgent, GuestCallError, type ServeSpec } from '../../../guest/linux/index.ts';
import { anyAddress } from './files.ts';
import { newSshKey } from './key.ts';
import { startSshServer, writeSshFiles } from './start.ts';

const owner = { name: 'alice', uid: 1000, gid: 1000, home: '/home/alice', shell: '/bin/sh', groups: [] };
const hosts = ['vn1-1', 'vn1-2'].map((name, rank) => ({ name, address: `10.9.0.${16 + rank}` }));
const ssh = { user: newSshKey('u'), host: newSshKey('h') };
const guest = { owner, address: '10.9.0.16', hosts, ssh, environment: { A: 'of the job' } };

interface Fake {
  readonly agent: GuestAgent;
  readonly files: Map<string, { readonly text: string; readonly mode: number; readonly uid: number }>;
  readonly served: ServeSpec[];
}

/** A guest that takes connections, or cannot because of this. */
function fakeGuest({ config = '', error }: { readonly config?: string; readonly error?: Error } = {}): Fake {
  const files: Fake['files'] = new Map();
  const served: ServeSpec[] = [];
  const calls = {
    mkdir: async () => {},
    writeFile: async (path: string, text: string, { mode, uid }: { mode: number; uid: number }) =>
      void files.set(path, { text, mode, uid }),
    serve: async (spec: ServeSpec) => {
      if (error !== undefined) throw error;
      served.push(spec);
    },
  };
  const agent = {
    ...calls,
    call: () => Promise.reject(new GuestCallError('read', constants.errno.ENOENT, '')),
    readFile: async () => Buffer.from(config),
    batch: (make: (each: typeof calls) => Promise<unknown>[]) => Promise.all(make(calls)),
  };
  return { agent: agent as unknown as GuestAgent, files, served };
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

test("startSshServer() listens at the VM's address and at those that its name can lead to", async () => {
  const cases: [string | undefined, string[]][] = [
    ['10.9.0.16', ['10.9.0.16', '127.0.0.1', '127.0.1.1']],
    [undefined, ['127.0.0.1', '127.0.1.1']],
    [anyAddress, [anyAddress]],
  ];
  for (const [address, places] of cases) {
    const { agent, served } = fakeGuest();
    assert.equal(await startSshServer(agent, { ...guest, address }, { umask: 0o077 }), 'listens');
    assert.deepEqual(
      served.map((spec) => [spec.address, spec.port, spec.program.umask]),
      places.map((place) => [place, 22, 0o077]),
    );
  }
});

test('startSshServer() tells why others cannot log in, also to who tries in the guest', async () => {
  const { ENOENT, EADDRINUSE } = constants.errno;
  const cases: [number, RegExp][] = [
    [ENOENT, /^it has no \/usr\/sbin\/sshd$/],
    [EADDRINUSE, /^Cannot listen at port 22 of 10\.9\.0\.16 in the guest: address already in use/],
  ];
  for (const [errno, why] of cases) {
    const error = new GuestCallError('listen at port 22 of 10.9.0.16', errno, '');
    const { agent, files } = fakeGuest({ config: including, error });
    const state = await startSshServer(agent, guest, {});
    assert.ok(state !== 'listens');
    assert.match(state.why, why);
    assert.match(files.get(fragment)?.text ?? '', /ProxyCommand echo "vtorque: Cannot reach %h by ssh: /);
  }
});

test('startSshServer() fails when the guest is gone', async () => {
  const error = new VtorqueError('E_GUEST_LOST', 'gone');
  await assert.rejects(startSshServer(fakeGuest({ error }).agent, guest, {}), error);
});
