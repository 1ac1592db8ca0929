// Jobs in VMs whose network root's hooks have prepared, on nodes of an embedded batch system that are one machine.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { slotMac } from '../src/network/bridge/index.ts';
import { execute } from './support/cluster.ts';
import { type ConfiguredNode, configuredNode, noNetworks } from './support/configured-node.ts';
import { rootHooks } from './support/root-hooks.ts';
import { useCluster } from './support/use-cluster.ts';

describe('jobs with a network that root has prepared', { skip: noNetworks }, () => {
  let node: ConfiguredNode;

  const cluster = useCluster({
    nodes: 2,
    np: 2,
    around: async (ending) => {
      node = ending.use(configuredNode());
      return { inside: node.inside };
    },
    whenStarted: (started) => rootHooks(started, node.inside).install(),
  });

  afterEach(async () => {
    await node.expectNoNetworks();
    await cluster.expectIdle();
  });

  const script = [
    '#!/bin/bash',
    'cd "$PBS_O_WORKDIR"',
    'for name in $(cat "$PBS_NODEFILE"); do',
    '  (exec 3<>/dev/tcp/$name/9) 2>&1 | grep -o "vnode.*" | head -1',
    'done',
    'ip -o link show | grep -o "mtu [0-9]*" | tail -1',
    'echo > up; while [ ! -e go ]; do sleep 0.1; done; rm up go',
    '',
  ].join('\n');
  const all = ['vnode1-1', 'vnode1-2', 'vnode2-1', 'vnode2-2'].map((name) => `${name}/9: Connection refused`);

  async function run(): Promise<{
    readonly lines: string[];
    readonly devices: readonly string[];
    readonly said: string;
  }> {
    const id = await cluster.submit(['-l', 'nodes=2:ppn=2', '-vm', 'vms_per_node=2,ram=256M'], script);
    await cluster.appears('up');
    const devices = await node.devices();
    await writeFile(join(cluster.work, 'go'), '');
    const { stdout, stderr, exitStatus } = await cluster.wait(id);
    assert.deepEqual([stderr.toString(), exitStatus], ['', 0]);
    const record = await cluster.run(['sh', '-c', `cat ~/.local/state/vtorque/jobs/${id}.jsonl`]);
    return { lines: stdout.toString().trimEnd().split('\n'), devices, said: record.stdout };
  }

  test('its VMs on both nodes reach each other over the taps of root, and nothing stays', async () => {
    node.configure('job = "vxlan"', 'max_vms_per_node = 2', 'mtu = 1400');
    const { lines, devices, said } = await run();
    assert.deepEqual(lines, [...all, 'mtu 1400']);
    assert.equal(devices.length, 7);
    assert.match(said, /bridge vtq\w+b that root has prepared, MTU 1400/);
  });

  test("its VMs reach outside, as the user, but no service on the node's loopback", async () => {
    node.configure('job = "vxlan"', 'max_vms_per_node = 1');
    // A network of the machine's, with something in it that answers.
    for (const line of [
      'link add name outside type bridge',
      'address add 10.77.0.1/24 dev outside',
      'link set outside up',
    ]) {
      assert.equal((await execute([...node.inside, 'ip', ...line.split(' ')], {})).code, 0);
    }
    const answer = [
      'import socket, threading',
      'def serve(address):',
      '    server = socket.create_server((address, 7000))',
      '    while True: server.accept()[0].sendall(f"from {address}\\n".encode())',
      'for address in "10.77.0.1", "127.0.0.1": threading.Thread(target=serve, args=(address,)).start()',
    ].join('\n');
    const [program = '', ...args] = [...node.inside, '/usr/bin/python3', '-c', answer];
    const server = spawn(program, args, { stdio: 'ignore' });
    try {
      const words = [
        '#!/bin/bash',
        'for host in 10.77.0.1 $(ip -4 route | sed -n "s/^default via \\([0-9.]*\\).*/\\1/p"); do',
        '  timeout 10 bash -c "exec 3<>/dev/tcp/$host/7000 && head -1 <&3" 2> /dev/null || echo none',
        'done',
        '',
      ];
      const id = await cluster.submit(['-l', 'nodes=2:ppn=1', '-vm', 'ram=256M'], words.join('\n'));
      const { stdout, stderr } = await cluster.wait(id);
      assert.deepEqual([stdout.toString(), stderr.toString()], ['from 10.77.0.1\nnone\n', '']);
    } finally {
      server.kill('SIGKILL');
    }
  });

  test('with net=bridge its VMs are machines of the network of the site, which gives them their addresses', async () => {
    node.configure('bridge = "br0"', 'max_vms_per_node = 2', '[policy]', 'networks = ["user", "bridge"]');
    for (const line of ['link add name br0 type bridge', 'address add 10.66.0.1/24 dev br0', 'link set br0 up']) {
      assert.equal((await execute([...node.inside, 'ip', ...line.split(' ')], {})).code, 0);
    }
    const leases = join(cluster.work, 'leases');
    const settings = ['start 10.66.0.50', 'end 10.66.0.59', 'interface br0', `lease_file ${leases}`, 'max_leases 10'];
    const options = ['subnet 255.255.255.0', 'router 10.66.0.1', 'dns 10.66.0.2', 'domain site.example', 'lease 600'];
    const file = join(cluster.work, 'udhcpd.conf');
    await writeFile(leases, '');
    await writeFile(file, [...settings, ...options.map((option) => `option ${option}`), ''].join('\n'));
    const [program = '', ...args] = [...node.inside, '/bin/busybox', 'udhcpd', '-f', file];
    const server = spawn(program, args, { stdio: 'ignore' });
    try {
      const words = [
        ...['#!/bin/bash', 'ip -o -4 address show dev eth0 | grep -o "inet [0-9./]*"', 'ip -4 route show default'],
        ...[
          'cat /sys/class/net/eth0/address',
          'cat /etc/resolv.conf',
          '(exec 3<>/dev/tcp/10.66.0.1/9) 2>&1 | grep -o refused | head -1',
        ],
      ];
      await writeFile(join(cluster.work, 'job.sh'), `${words.join('\n')}\n`, { mode: 0o644 });
      const vsub = ['vsub', '-l', 'nodes=1:ppn=1', '-vm', 'net=bridge,ram=256M', '-v', 'VTORQUE_CONFIG', 'job.sh'];
      const { code, stdout: id, stderr: said } = await cluster.run(vsub, { env: { VTORQUE_CONFIG: node.config } });
      assert.deepEqual([code, said], [0, '']);
      const { stdout, stderr } = await cluster.wait(id.trim());
      assert.equal(stderr.toString(), '');
      const [address, route, mac, ...others] = stdout.toString().trimEnd().split('\n');
      assert.match(address ?? '', /^inet 10\.66\.0\.5\d\/24$/);
      assert.match(route ?? '', /^default via 10\.66\.0\.1 dev eth0/);
      assert.equal(mac, slotMac('node1', 1));
      assert.deepEqual(
        others.filter((line) => /^(nameserver|search|refused)/.test(line)),
        [...['nameserver 10.66.0.2', 'search site.example', 'refused']],
      );
      const refused = await cluster.run(vsub.toSpliced(5, 2));
      assert.match(refused.stderr, /Cannot use net=bridge: the site has no bridge for VMs/);
    } finally {
      server.kill('SIGKILL');
    }
  });

  test('with too few taps it has the network that needs no root, and its record says why', async () => {
    node.configure('job = "vxlan"', 'max_vms_per_node = 1');
    const { lines, said } = await run();
    assert.deepEqual(lines.slice(0, -1), all);
    assert.match(said, /not the network of root's: node 0: 1 taps for 2 VMs/);
  });
});
