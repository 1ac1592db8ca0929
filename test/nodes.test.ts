// Jobs over several nodes: one VM on each, the script in that of the first. Whatever is ended, at whatever moment, on
// whichever node, the job ends with the truth, and nothing of it is left on any.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execute } from './support/cluster.ts';
import { until } from './support/embedded.ts';
import { type FoundProcess, processesOf } from './support/processes.ts';
import { useCluster } from './support/use-cluster.ts';

const cluster = useCluster({ nodes: 3, np: 2 });

const vm = ['-vm', 'img=host,vcpus=1,ram=256M'];
const three = ['-l', 'nodes=3:ppn=2', ...vm];
const sleeper = ['#!/bin/bash', 'cd "$PBS_O_WORKDIR"', 'echo > "running-$PBS_JOBID"', 'sleep 600', ''].join('\n');

/** A job whose script runs, with a guest on each of three nodes. */
async function runningJob(args: readonly string[] = []): Promise<string> {
  const id = await cluster.submit([...three, ...args], sleeper, 'sleeper.sh');
  await cluster.appears(`running-${id}`);
  return id;
}

/** A job of which QEMU runs on all nodes, and whose guests still boot. */
async function bootingJob(args: readonly string[] = []): Promise<string> {
  const id = await cluster.submit([...three, '-vm', 'warm=off', ...args], sleeper, 'sleeper.sh');
  await Promise.all(['node1', 'node2', 'node3'].map(machineOn));
  return id;
}

/** Wait for a process of the job that is the one. */
async function find(program: RegExp, isIt: (found: FoundProcess) => boolean | Promise<boolean>): Promise<number> {
  for (;;) {
    for (const found of await processesOf(cluster.user, program)) if (await isIt(found)) return found.pid;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const machineOn = (node: string): Promise<number> =>
  find(/^qemu-system/, ({ args }) => args.some((arg) => arg.startsWith(`guest=v${node}-1,`)));

const isAgent = ({ args }: FoundProcess): boolean => args.includes('--node-agent');
const launcher = (): Promise<number> => find(/^start launch$/, (found) => !isAgent(found));
const agentOn = (node: string): Promise<number> =>
  find(/^start launch$/, async (found) => {
    if (!isAgent(found)) return false;
    const environment = await readFile(`/proc/${found.pid}/environ`, 'utf8').catch(() => '');
    return environment.split('\0').includes(`PBS_NODENUM=${Number(node.replace('node', '')) - 1}`);
  });

test('the script runs once, in the guest of the first node, when the guests of all nodes are up', async () => {
  const script = [
    ...[
      '#!/bin/bash',
      'cd "$PBS_O_WORKDIR"',
      'hostname',
      'cat "$PBS_NODEFILE"',
      'echo "<$PBS_JOBCOOKIE>"',
      'echo > up',
    ],
    ...['until [ -e seen ]; do sleep 0.2; done', 'echo problem >&2', 'exit 7', ''],
  ];
  const id = await cluster.submit(three, script.join('\n'));
  await cluster.appears('up');
  assert.equal((await processesOf(cluster.user, /^qemu-system/)).length, 3);
  await writeFile(join(cluster.work, 'seen'), '');
  const { stdout, stderr, exitStatus } = await cluster.endsCleanly(id);
  const guests = ['vnode1-1', 'vnode2-1', 'vnode3-1'];
  assert.deepEqual(stdout.toString().split('\n'), ['vnode1-1', ...guests, '<>', '']);
  assert.deepEqual([stderr.toString(), exitStatus], ['problem\n', 7]);
});

test('vsub tells how many nodes and VMs there will be, and refuses what the nodes cannot hold', async () => {
  await writeFile(join(cluster.work, 'job.sh'), 'true\n');
  const explain = (...args: readonly string[]) => cluster.run(['vsub', '--explain', ...args, 'job.sh']);
  const { stdout } = await explain('-l', 'nodes=2:ppn=2+1:ppn=1', '-vm', 'img=host');
  assert.match(stdout, /vcpus=1 +one per slot of the job\n/);
  assert.match(stdout, /nodes {4}3, with one VM on each; the script runs in that of the first\n/);
  const json = await explain('--json', ...three);
  assert.equal(JSON.parse(json.stdout).batch.nodes, 3);
  const tooMany = await explain('-l', 'nodes=4', ...vm);
  assert.match(tooMany.stderr, /Cannot use vcpus=1 with ram=256M on 4 nodes: only 3 nodes can hold such a VM/);
  const tooSmall = await explain('-l', 'nodes=2:ppn=1+1:ppn=2', '-vm', 'vcpus=2');
  assert.match(tooSmall.stderr, /vcpus=2 with -l nodes=2:ppn=1\+1:ppn=2: 1 slot on a node\n.*nodes=2:ppn=2\+1:ppn=2/);
});

test('nodes with different numbers of slots, in an array', async () => {
  const script = '#!/bin/bash\necho $PBS_ARRAYID $(cat "$PBS_NODEFILE")\n';
  const id = await cluster.submit(['-t', '4', '-l', 'nodes=1:ppn=2+1:ppn=1', ...vm], script);
  const { stdout, exitStatus } = await cluster.endsCleanly(id.replace('[]', '[4]'));
  assert.match(stdout.toString(), /^4 (vnode\d-1) (?!\1)vnode\d-1\n$/);
  assert.equal(exitStatus, 0);
});

test('several VMs on each node: the script runs in the first, and the death of any fails the job', async () => {
  const script = '#!/bin/bash\ncat "$PBS_NODEFILE"\ncd "$PBS_O_WORKDIR"\necho > four\nsleep 600\n';
  const id = await cluster.submit(['-l', 'nodes=node1:ppn=2+node2:ppn=2', '-vm', 'vms_per_node=2,ram=256M'], script);
  await cluster.appears('four');
  const machines = await processesOf(cluster.user, /^qemu-system/);
  assert.equal(machines.length, 4);
  const last = machines.find(({ args }) => args.some((arg) => /^guest=vnode\d-2,/.test(arg)));
  process.kill(last?.pid ?? 0, 'SIGKILL');
  const { stdout, stderr, exitStatus } = await cluster.endsCleanly(id);
  assert.match(stdout.toString(), /^vnode1-1\nvnode1-2\nvnode2-1\nvnode2-2\n$/);
  assert.match(stderr.toString(), /^vtorque: .*"vnode\d-2".*SIGKILL/);
  assert.equal(exitStatus, 246);
});

for (const [where, nodes] of [
  ['on another node', ['-l', 'nodes=node1+node2', ...vm]],
  ['on the same node', ['-l', 'nodes=node1:ppn=2', '-vm', 'vms_per_node=2,ram=256M']],
] as const) {
  test(`the death of a guest that is ready fails the job while the prologue of a guest ${where} still runs`, async () => {
    const prologue = join(cluster.work, 'slow-prologue');
    await writeFile(prologue, '#!/bin/sh\n[ "$VTORQUE_RANK" = 0 ] || exec sleep 600\n');
    const id = await cluster.submit([...nodes, '-vm', `vm_prologue=${prologue}`], sleeper);
    const record = join(cluster.user.home, `.local/state/vtorque/jobs/${id}.jsonl`);
    const first = async (): Promise<boolean> =>
      /vm_prologue in vnode1-1/.test(await readFile(record, 'utf8').catch(() => ''));
    await until(first, 'the first guest is ready');
    process.kill(await machineOn('node1'), 'SIGKILL');
    const { stderr, exitStatus } = await cluster.endsCleanly(id);
    assert.match(stderr.toString(), /^vtorque: .*"vnode1-1".*SIGKILL[\s\S]*phase: guest/);
    assert.equal(exitStatus, 245);
  });
}

test('the secret of the job is neither on a command line nor in what the batch system tells', async () => {
  const id = await runningJob();
  const environment = (await readFile(`/proc/${await agentOn('node2')}/environ`, 'utf8')).split('\0');
  const secret = environment.find((entry) => entry.startsWith('PBS_JOBCOOKIE='))?.slice('PBS_JOBCOOKIE='.length) ?? '';
  assert.match(secret, /^[0-9A-F]{32}$/);
  const lines = (await processesOf(cluster.user, /./)).map(({ args }) => args.join(' '));
  const { stdout } = await cluster.run(['qstat', '-f', id]);
  const record = JSON.stringify(await cluster.record(id));
  for (const text of [...lines, stdout, record]) assert.ok(!text.includes(secret), text);
  assert.match(record, /"node3: vm-start"/);
  await cluster.run(['qdel', id]);
  await cluster.endsCleanly(id);
});

test('a node that cannot start its guest fails the job, with its name, the phase and the last lines of the console', async () => {
  const config = join(cluster.work, 'config.toml');
  await writeFile(config, '[nodes.node3.timeouts]\nguest = 2\n[vm]\naccelerator = "tcg"\n');
  await writeFile(join(cluster.work, 'late.sh'), '#!/bin/sh\necho ran\n');
  const { stdout } = await cluster.run(['vsub', '-v', 'VTORQUE_CONFIG', ...three, '-vm', 'warm=off', 'late.sh'], {
    env: { VTORQUE_CONFIG: config },
  });
  // So that it does not answer, however fast the machine is.
  process.kill(await machineOn('node3'), 'SIGSTOP');
  const job = await cluster.endsCleanly(stdout.trim());
  assert.match(job.stderr.toString(), /^vtorque: .*guest "vnode3-1": its agent did not answer within 2 s/);
  assert.match(job.stderr.toString(), /phase: guest\n {2}node: node3\n$/);
  assert.deepEqual([job.stdout.toString(), job.exitStatus], ['', 245]);
});

for (const node of ['node1', 'node2']) {
  test(`a machine of ${node} that is killed while the guests boot fails the job, with the node's name`, async () => {
    const id = await bootingJob();
    process.kill(await machineOn(node), 'SIGKILL');
    const { stderr, exitStatus } = await cluster.endsCleanly(id);
    assert.match(stderr.toString(), new RegExp(`^vtorque: .*"v${node}-1".*SIGKILL[\\s\\S]*node: ${node}\n`));
    assert.ok(exitStatus === 244 || exitStatus === 245, `${exitStatus}`);
  });
}

test('a machine that is killed while the script runs fails the job, with the name of its node', async () => {
  const id = await runningJob();
  process.kill(await machineOn('node2'), 'SIGKILL');
  const { stderr, exitStatus } = await cluster.endsCleanly(id);
  assert.match(
    stderr.toString(),
    /^vtorque: Cannot go on: guest "vnode2-1" ended by SIGKILL[\s\S]*phase: script\n {2}node: node2\n/,
  );
  assert.equal(exitStatus, 246);
});

for (const [when, start, code] of [
  ['while the guests boot', bootingJob, 245],
  ['while the script runs', runningJob, 246],
] as const) {
  test(`kill -9 of the agent of a node ${when} ends the job, and its machine with it`, async () => {
    const id = await start();
    process.kill(await agentOn('node3'), 'SIGKILL');
    const { stderr, exitStatus } = await cluster.endsCleanly(id);
    assert.match(
      stderr.toString(),
      /^vtorque: Cannot go on: the agent of the job on node "node3" is lost: it was ended by SIGKILL\n/,
    );
    assert.ok(exitStatus === code || exitStatus === 244, `${exitStatus}`);
  });

  test(`kill -9 of the launcher ${when} leaves nothing on any node`, async () => {
    const id = await start();
    process.kill(await launcher(), 'SIGKILL');
    assert.notEqual((await cluster.endsCleanly(id)).exitStatus, 0);
  });

  test(`qdel ${when} leaves nothing on any node`, async () => {
    const id = await start();
    await cluster.run(['qdel', id]);
    assert.equal((await cluster.endsCleanly(id)).exitStatus, 271);
  });
}

test('a disk that stays is unmounted when a node of the job is lost', async () => {
  const script = [
    ...['#!/bin/bash', 'cd "$PBS_O_WORKDIR"', 'seq 1 200000 > /data/numbers', 'echo > written'],
    ...['sleep 600', ''],
  ];
  const id = await cluster.submit([...three, '-vm', 'disk=stays.raw:64M'], script.join('\n'));
  await cluster.appears('written');
  process.kill(await agentOn('node2'), 'SIGKILL');
  const { stderr } = await cluster.endsCleanly(id);
  assert.match(stderr.toString(), /^vtorque: Cannot go on: the agent of the job on node "node2" is lost: /);
  const file = join(cluster.work, 'stays.raw');
  const { code, stdout } = await execute(['/usr/sbin/e2fsck', '-f', '-n', file], {});
  assert.deepEqual([code, /recovering journal|UNEXPECTED|was not cleanly/.test(stdout)], [0, false], stdout);
  const numbers = await execute(['/usr/sbin/debugfs', '-R', 'cat /numbers', file], {});
  assert.equal(numbers.stdout.trimEnd().split('\n').length, 200_000);
});

test('a script has its time to end when the job is deleted: the agents do not end before it', async () => {
  const script = [
    ...['#!/bin/bash', 'cd "$PBS_O_WORKDIR"', 'trap "echo trapped; exit 3" TERM', 'echo > trapping'],
    ...['sleep 600 & wait', ''],
  ];
  const id = await cluster.submit(three, script.join('\n'));
  await cluster.appears('trapping');
  await cluster.run(['qdel', id]);
  assert.equal((await cluster.endsCleanly(id)).stdout.toString(), 'trapped\n');
});

test('a node that says nothing more is lost, and does not hold the job', async () => {
  const id = await runningJob();
  process.kill(await agentOn('node2'), 'SIGSTOP');
  const { stderr, exitStatus } = await cluster.endsCleanly(id);
  assert.match(stderr.toString(), /node "node2" is lost: nothing was heard from there for 20 s\n/);
  assert.equal(exitStatus, 246);
});

test('a job that is put back into the queue starts anew on all its nodes, with other keys', async () => {
  const script = [
    '#!/bin/bash',
    'cd "$PBS_O_WORKDIR"',
    '[ -e once ] && exec cat "$PBS_NODEFILE"',
    'echo > once',
    'sleep 600',
    '',
  ];
  const id = await cluster.submit(['-l', 'nodes=3', ...vm], script.join('\n'));
  await cluster.appears('once');
  const { code, stderr } = await execute(['qrerun', id], { env: { ...process.env, ...cluster.env } });
  assert.equal(code, 0, stderr);
  const { stdout, exitStatus } = await cluster.endsCleanly(id);
  assert.deepEqual([stdout.toString(), exitStatus], ['vnode1-1\nvnode2-1\nvnode3-1\n', 0]);
});

test('a job over its walltime leaves nothing on any node', async () => {
  const { exitStatus } = await cluster.endsCleanly(await bootingJob(['-l', 'walltime=8']));
  assert.equal(exitStatus, -11);
});

test('a shell of an interactive job has a guest on each node', async () => {
  const line = ['vsub', '-I', '-l', 'nodes=2', ...vm];
  await using terminal = await cluster.atTerminal(line);
  await terminal.expect(/vtorque: starting the virtual machine\r\n/);
  await terminal.expect(/\$ /);
  terminal.type('echo "<"$(cat $PBS_NODEFILE)">"; exit 5\r');
  await terminal.expect(/<vnode1-1 vnode2-1>\r/);
  assert.equal(await terminal.exit, 5);
  await cluster.expectIdle();
});
