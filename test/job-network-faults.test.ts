// What becomes of a job whose network is ended or attacked, with real guests.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { processesOf } from './support/processes.ts';
import { useCluster } from './support/use-cluster.ts';

const cluster = useCluster({ nodes: 2, np: 2 });

const running = '#!/bin/bash\ncd "$PBS_O_WORKDIR"\necho > "up-$PBS_JOBID"\nsleep 600\n';

for (const [program, words] of [
  ['jobnet', /the job's network is lost: the process that holds it ended by SIGKILL/],
  ['slirp4netns', /the job's network is lost: slirp4netns ended by SIGKILL/],
] as const) {
  test(`kill -9 of ${program} while the script runs ends the job, which says so, and leaves nothing`, async () => {
    const id = await cluster.submit(['-l', 'nodes=2', '-vm', 'ram=256M'], running);
    await cluster.appears(`up-${id}`);
    const [first] = await processesOf(cluster.user, new RegExp(`^${program}$`));
    process.kill(first.pid, 'SIGKILL');
    const { stderr, exitStatus } = await cluster.wait(id);
    assert.match(stderr.toString(), words);
    assert.equal(exitStatus, 243);
    await cluster.expectIdle();
  });
}

test('kill -9 of jobnet while the guests boot ends the job before its script, with the same words', async () => {
  const id = await cluster.submit(['-vm', 'ram=256M,warm=off'], running);
  await processesOf(cluster.user, /^qemu-system/);
  const [first] = await processesOf(cluster.user, /^jobnet$/);
  process.kill(first.pid, 'SIGKILL');
  const { stderr, exitStatus } = await cluster.wait(id);
  assert.match(stderr.toString(), /the job's network is lost: the process that holds it ended by SIGKILL/);
  assert.equal(exitStatus, 243);
  const events = (await cluster.record(id)).map(({ event }) => event);
  assert.ok(!events.includes('script'), events.join());
  await cluster.expectIdle();
});

test('an interface has a queue for each virtual CPU, and the MTU of the site', async () => {
  const config = join(cluster.work, 'config.toml');
  await writeFile(config, '[network]\nmtu = 8000\n');
  const script = 'ls -d /sys/class/net/eth0/queues/rx-* | wc -l\ncat /sys/class/net/eth0/mtu\n';
  await writeFile(join(cluster.work, 'look.sh'), `#!/bin/sh\n${script}`);
  const asked = ['-v', 'VTORQUE_CONFIG', '-l', 'nodes=1:ppn=2', '-vm', 'vcpus=2,ram=256M', 'look.sh'];
  const { stdout } = await cluster.run(['vsub', ...asked], { env: { VTORQUE_CONFIG: config } });
  const job = await cluster.wait(stdout.trim());
  assert.deepEqual([job.stderr.toString(), job.stdout.toString()], ['', '2\n8000\n']);
});

test("a job reaches outside as its user, but no service on the node's loopback; with net=job nothing outside", async () => {
  const server = createServer((socket) => socket.on('error', () => {}).end(`from ${socket.remotePort}\n`));
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const reach = [
    '#!/bin/bash',
    'for host in "$OUTSIDE" $(ip route | sed -n "s/^default via \\([0-9.]*\\).*/\\1/p"); do',
    `  timeout 10 bash -c "exec 3<>/dev/tcp/$host/${port} && cat <&3" 2> /dev/null || echo none`,
    'done',
    '',
  ];
  try {
    await writeFile(join(cluster.work, 'reach.sh'), reach.join('\n'));
    const address = (await cluster.run(['hostname', '-I'])).stdout.split(' ')[0] ?? '';
    assert.match(address, /^\d+\./, 'the machine has an address');
    const job = async (...args: string[]): Promise<string> => {
      const id = await cluster.submit(['-v', `OUTSIDE=${address}`, ...args], reach.join('\n'), 'reach.sh');
      const { stdout, stderr, exitStatus } = await cluster.wait(id);
      assert.deepEqual([stderr.toString(), exitStatus], ['', 0]);
      return stdout.toString();
    };
    const [, outwards = '', gateway] = /^from (\d+)\n(.*)\n$/.exec(await job('-vm', 'ram=256M')) ?? [];
    assert.ok(Number(outwards) >= 1024);
    assert.equal(gateway, 'none');
    assert.equal(await job('-vm', 'ram=256M,net=job'), 'none\n');
  } finally {
    server.close();
  }
  await cluster.expectIdle();
});
