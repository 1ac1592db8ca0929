import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { completeRequest, mergeSettings } from '../../request/index.ts';
import { installRoot } from '../paths.ts';
import { crossChecks } from './cross-checks.ts';
import { checkPolicy, configFile, configReference, matchesAny, type PolicyCase, SiteConfig } from './index.ts';
import { configKey, configNames } from './keys.ts';
import { networkChecks } from './network-checks.ts';
import { readConfig } from './read.ts';
import { parseToml } from './toml.ts';

const file = '/etc/vtorque/config.toml';
const read = async (...lines: string[]) => readConfig(await parseToml(lines.join('\n'), file));
const config = async (...lines: string[]): Promise<SiteConfig> => {
  const result = await read(...lines);
  assert.deepEqual(result.problems, []);
  return new SiteConfig(result);
};

test('without a file every key has its built-in value', () => {
  const built = new SiteConfig();
  for (const { name, value, origin } of built.all()) {
    assert.deepEqual([value, origin], [configKey(name as never).default, { kind: 'built in' }]);
  }
});

test('a queue or a node beats the site, and of patterns the last that fits', async () => {
  const site = await config(
    ...['[policy]', 'max_ram = "8G"', 'max_vcpus = 4', '[queues.big.policy]', 'max_ram = "64G"'],
    ...['[nodes."n*".vm]', 'accelerator = "kvm"', '[nodes."n1?".vm]', 'accelerator = "tcg"'],
  );
  assert.equal(site.value('policy.max_ram'), 8 * 2 ** 30);
  assert.equal(site.value('policy.max_ram', { queue: 'big' }), 64 * 2 ** 30);
  assert.equal(site.value('policy.max_vcpus', { queue: 'big' }), 4);
  assert.deepEqual(
    ['n1', 'n12', 'm1'].map((node) => site.value('vm.accelerator', { node })),
    ['kvm', 'tcg', 'auto'],
  );
  assert.deepEqual(site.effective('policy.max_ram', { queue: 'big' }).origin, {
    kind: 'queue',
    name: 'big',
    file,
    line: 5,
  });
});

test('defaults are settings of -vm with their place, for the site and for queues', async () => {
  const site = await config(
    '[defaults]',
    'ram = "2G"',
    'vcpus = 3',
    'env = ["A=1", "B=2"]',
    '[queues.big.defaults]',
    'ram = "4G"',
  );
  assert.deepEqual(mergeSettings(site.defaults(undefined)), { ram: 2 ** 31, vcpus: 3, env: { A: '1', B: '2' } });
  assert.deepEqual(mergeSettings(site.defaults('big')).ram, 2 ** 32);
  assert.deepEqual(site.defaults('big').find(({ text }) => text === '4G')?.origin, {
    kind: 'queue defaults',
    queue: 'big',
    file,
    line: 6,
  });
});

test('every mistake is found, with line, key, reason and remedy', async () => {
  const { problems } = await read(
    ...['[policy]', 'max_ram = "8X"', 'max_vcpu = 4', 'user_images = "no"', '[polcy]', 'x = 1'],
    ...['[defaults]', 'vcpus = 0', 'vcpu = 2', 'mount = "/a:/usr"', '[queues.q.vm]', 'accelerator = "kvm"'],
    ...['[nodes.n1.defaults]', 'ram = "1G"', '[vm]', 'accelerator = "xen"'],
  );
  const errors = problems.map(({ severity, line, key, reason, remedy }) => [severity, line, key, reason, remedy]);
  assert.deepEqual(
    errors.map(([severity, line, key]) => `${severity} ${line} ${key}`),
    [
      ...['error 2 policy.max_ram', 'error 3 policy.max_vcpu', 'error 4 policy.user_images', 'error 6 polcy.x'],
      ...[
        'error 8 defaults.vcpus',
        'error 9 defaults.vcpu',
        'error 10 defaults.mount',
        'error 12 queues.q.vm.accelerator',
      ],
      ...['error 13 nodes.n1.defaults', 'error 16 vm.accelerator'],
    ],
  );
  assert.match(String(errors[0]?.[3]), /^"8X" cannot be used: wanted is a size/);
  assert.equal(errors[1]?.[4], 'Did you mean policy.max_vcpus?');
  assert.match(String(errors[4]?.[3]), /less than 1/);
  for (const [, , , reason, remedy] of errors) assert.ok(reason && remedy);
});

test('defaults that the policy would refuse are mistakes, for the site and for queues', async () => {
  const problems = crossChecks(
    await read(
      ...['[policy]', 'max_ram = "4G"', 'images = ["deb*"]', '[defaults]', 'img = "host"', 'ram = "2G"', 'vcpus = 2'],
      ...['[queues.small.policy]', 'max_ram = "1G"', '[queues.one.defaults]', 'img = "debian-12"', 'vcpus = 1'],
    ),
  );
  assert.deepEqual(
    problems.map(({ line, key, reason }) => [line, key, reason]),
    [
      [5, 'defaults.img', '"host" is refused: not among policy.images'],
      [6, 'defaults.ram', '"2G" is refused in queue "small": more than policy.max_ram, 1G'],
    ],
  );
});

test('folders, kernels and a bridge among the defaults that the site forbids are mistakes, too', async () => {
  const problems = crossChecks(
    await read(
      ...['[policy]', 'user_kernels = false', 'mounts = ["/scratch/*"]', 'networks = ["user", "bridge"]'],
      ...['[defaults]', 'kernel = "/boot/own"', 'mount = ["/scratch/a:/a", "/home/b:/b", "here:/c"]', 'net = "bridge"'],
    ),
  );
  assert.deepEqual(
    problems.map(({ line, reason }) => [line, reason]),
    [
      [6, '"/boot/own" is refused: policy.user_kernels is false'],
      [7, '"/home/b:/b" is refused: not among policy.mounts'],
      [8, '"bridge" is refused: there is no network.bridge'],
    ],
  );
});

test('values for networks that are none, or do not go together, are mistakes', async () => {
  const { problems } = await read(
    ...['[network]', 'job = "vlan"', 'max_vms_per_node = 0', 'vni_range = "9-5"', 'vxlan_interface = "eth0 up"'],
    ...['vxlan_port = 53', 'ip_to_mac_script = "macs.sh"'],
  );
  assert.deepEqual(
    problems.map(({ severity, line }) => [severity, line]),
    [2, 3, 4, 5, 6, 7].map((line) => ['error', line]),
  );
  const site = await config('[network]', 'vni_range = "5-9"', 'vxlan_interface = "ib0.8001"', 'mtu = 9000');
  assert.deepEqual(site.value('network.vni_range'), [5, 9]);
  const lines = [
    '[network]',
    'address = "script"',
    '[nodes.n1.network]',
    'ip_to_mac_script = "/s"',
    'address = "script"',
  ];
  assert.deepEqual(
    networkChecks(await read(...lines)).map(({ line, key }) => [line, key]),
    [[2, 'network.address']],
  );
});

test('ranges for networks of jobs, and their MTU, must be possible', async () => {
  for (const line of [
    ...['pools = ["10.0.0.0/25"]', 'pools = ["10.0.0.1/16"]', 'pools = ["10.0.0/16"]', 'pools = ["::/16"]'],
    ...['pools = ["10.0.0.0"]', 'pools = ["0.0.0.0/0"]', 'mtu = 100', 'mtu = 65522', 'mtu = "9000"'],
  ]) {
    const { problems } = await read('[network]', line);
    assert.deepEqual(
      problems.map(({ severity, line: at }) => [severity, at]),
      [['error', 2]],
      line,
    );
  }
  const site = await config('[network]', 'pools = ["10.16.0.0/12", "192.168.7.0/24"]', 'mtu = 0');
  assert.deepEqual(site.value('network.pools'), ['10.16.0.0/12', '192.168.7.0/24']);
});

test('lists are looked through', async () => {
  const { problems } = await read(
    '[policy]',
    'networks = ["user", "site"]',
    '[network]',
    'name_servers = "10.0.0.1"',
    'search = ["a b"]',
  );
  assert.deepEqual(
    problems.map(({ line, reason }) => `${line} ${reason}`),
    [
      '2 ["user","site"] cannot be used: "site" is none of the networks of net=',
      '4 "10.0.0.1" cannot be used: wanted is a list of addresses, in brackets',
      '5 ["a b"] cannot be used: "a b" is none of the domains',
    ],
  );
});

test('keys of features to come do no harm, and are said to have no effect', async () => {
  const { problems, entries, defaults } = await read(
    '[iocm]',
    'enabled = true',
    '[defaults]',
    'vrdma = true',
    'iocm = false',
  );
  assert.deepEqual(
    problems.map(({ severity, line, reason }) => [severity, line, reason]),
    [
      ['note', 2, 'without effect in this version'],
      ['note', 4, 'without effect in this version'],
    ],
  );
  assert.deepEqual([entries.length, defaults.length], [0, 1]);
});

test('what is no TOML is refused with its line', async () => {
  await assert.rejects(parseToml('[a]\nb = \n', file), { code: 'E_CONFIG_SYNTAX', message: /line 2, column/ });
});

test('lines are found past comments, long texts and lists', async () => {
  const toml = await parseToml('# x = 1\ns = """\nx = 2\n[t]\n"""\n[t."a b"]\nl = [\n 1,\n]\n"q.r".z = 1\n', file);
  assert.deepEqual(
    [['s'], ['t', 'a b'], ['t', 'a b', 'l'], ['t', 'a b', 'q.r', 'z'], ['x']].map((path) => toml.lineOf(path)),
    [2, 6, 7, 10, undefined],
  );
});

test('root does not let the environment choose his configuration', () => {
  assert.equal(configFile({ VTORQUE_CONFIG: '/tmp/x' }, 0), file);
  assert.equal(configFile({ VTORQUE_CONFIG: '/tmp/x' }, 1000), '/tmp/x');
  assert.equal(configFile({}, 1000), file);
});

const aCase = (changes: Partial<PolicyCase> = {}): PolicyCase => ({
  request: completeRequest({}),
  user: 'ann',
  groups: async () => ['staff'],
  ownImage: false,
  host: 'login1.site',
  ...changes,
});

test('the policy refuses what goes beyond it, and names what is allowed', async () => {
  const site = await config(
    ...['[submit]', 'disabled_hosts = ["mgmt*"]', '[policy]', 'images = ["host", "deb*"]', 'user_images = false'],
    ...['user_kernels = false', 'max_vcpus = 4', 'max_ram = "8G"', 'mounts = ["/scratch/*"]', 'networks = ["none"]'],
    ...['[policy.restricted]', '"debian-lic*" = ["bob", "@cfd"]'],
  );
  const request = completeRequest({ net: 'none' });
  const refused = (changes: Partial<PolicyCase>, message: RegExp, hint: RegExp) =>
    assert.rejects(checkPolicy(site, aCase({ request, ...changes })), { code: 'E_POLICY', exitCode: 1, message, hint });
  await checkPolicy(site, aCase({ request }));
  await refused({ host: 'mgmt2.site' }, /from "mgmt2.site"/, /another host/);
  await refused({ request: { ...request, img: 'centos' } }, /image "centos"/, /^Allowed: host, deb\*$/);
  await refused({ ownImage: true }, /users' own/, /admin/);
  await refused({ request: { ...request, kernel: '/home/x/vmlinuz' } }, /kernel="\/home\/x\/vmlinuz"/, /own kernel/);
  await refused({ request: { ...request, vcpus: 5 } }, /vcpus=5/, /vcpus=4/);
  await refused({ request: { ...request, ram: 16 * 2 ** 30 } }, /ram=16G/, /ram=8G/);
  await refused({ request: completeRequest({}) }, /net=user/, /none/);
  const mounts = [{ host: '/home/x', guest: '/x', readonly: true }];
  await refused({ request: { ...request, mounts } }, /"\/home\/x"/, /\/scratch\/\*/);
  const licensed = { ...request, img: 'debian-lic1' };
  await refused({ request: licensed }, /some users only/, /bob, @cfd/);
  await checkPolicy(site, aCase({ request: licensed, user: 'bob' }));
  await checkPolicy(site, aCase({ request: licensed, groups: async () => ['cfd'] }));
});

test('the network of the site is there for VMs only where the site has a bridge, and allows it', async () => {
  const request = completeRequest({ net: 'bridge' });
  const refused = (site: SiteConfig, message: RegExp) =>
    assert.rejects(checkPolicy(site, aCase({ request })), { code: 'E_POLICY', message });
  await refused(new SiteConfig(), /the site has no bridge/);
  await refused(await config('[network]', 'bridge = "br0"'), /the site does not allow it/);
  await checkPolicy(
    await config('[policy]', 'networks = ["bridge"]', '[nodes.n1.network]', 'bridge = "br0"'),
    aCase({ request }),
  );
});

test('patterns know * and ? and nothing else', () => {
  assert.ok(matchesAny('gpu12', ['x', 'gpu*']) && matchesAny('n1', ['n?']) && matchesAny('a.b', ['a.b']));
  assert.ok(!matchesAny('n12', ['n?']) && !matchesAny('axb', ['a.b']) && !matchesAny('a', []));
  fc.assert(fc.property(fc.string(), (name) => matchesAny(name, [name.replaceAll(/[*?]/g, '?')])));
});

test('the written default of every key is read as that default', () => {
  for (const name of configNames) {
    const { type, default: fallback } = configKey(name);
    const written = type.write(fallback);
    assert.deepEqual(type.read(written.startsWith('{') ? {} : JSON.parse(written)), fallback, name);
  }
});

test('the reference page is that of the tables', () => {
  const page = readFileSync(join(installRoot, 'docs/configuration.md'), 'utf8');
  assert.ok(
    page.endsWith(configReference()),
    'docs/configuration.md is stale: run scripts/node scripts/configuration-page.ts',
  );
});

test('NFS in guests is refused with the reason, and directories must be absolute', async () => {
  const { problems } = await read('[storage]', 'transport = "nfs"', 'workspace = "ws"', 'opt = "/cluster/opt"');
  assert.deepEqual(
    problems.map(({ key, line }) => [key, line]),
    [
      ['storage.transport', 2],
      ['storage.workspace', 3],
    ],
  );
  assert.match(problems[0]?.reason ?? '', /guests mount no NFS themselves/);
});
