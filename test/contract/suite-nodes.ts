import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Allocation, BatchNode } from '../../src/engine/index.ts';
import { type ContractUser, type Feature, sequence } from './cluster.ts';

interface ProbeReport {
  readonly failure: { readonly node?: string; readonly why: string } | null;
  readonly allocation: Allocation;
}

interface TaskReport {
  readonly allocation: Allocation;
  readonly words: readonly string[];
}

/** Words that no shell on their way may touch. */
const WORDS = ['a  b', '$HOME "x" *', "it's", '', '-n', '{"json":[1,"ä"]}', 'line\nline'];

/** Several nodes, several runs, several jobs, and VMs. */
export function nodeTests(
  user: () => ContractUser,
  when: (feature: Feature) => { readonly skip: string | false },
): void {
  test('nodes have slots and memory', async () => {
    const nodes = await user().call<BatchNode[]>({ op: 'nodes' });
    assert.ok(nodes.length > 0);
    for (const { np, memory } of nodes) assert.ok(np > 0 && memory > 2 ** 20);
  });

  test('the queue of a job is one of those that there are', when('queues'), async () => {
    const { queue } = await user().finish([], 'true');
    assert.ok((await user().call<string[]>({ op: 'queues' })).includes(queue));
  });

  test('a job on two nodes has its slots on each, the node of its script first', async () => {
    const script = `${user().cluster.dialect.slots}; sleep 3`;
    const id = await user().accepted(['-l', 'nodes=2:ppn=2', '-N', 'two'], script);
    const [running] = await user().wait([id], ['running']);
    await user().wait([id]);
    const [a, b, c, d] = (await user().read(`two.o${sequence(id)}`)).trim().split('\n');
    assert.ok(a === b && c === d && a !== c, 'two hosts, twice each');
    assert.deepEqual(running?.nodes, [a, c]);
  });

  test('two jobs of a user run on one node at the same time', async () => {
    const [{ name = '' } = {}] = await user().call<BatchNode[]>({ op: 'nodes' });
    const script = (mine: string, other: string): string =>
      `cd ${user().cluster.work}; touch together-${mine}; for i in $(seq 600); do test -e together-${other} && exit 0; sleep 0.1; done; exit 1`;
    const argv = ['-l', user().cluster.dialect.onNode(name, 1)];
    const ids = [await user().accepted(argv, script('a', 'b')), await user().accepted(argv, script('b', 'a'))];
    assert.deepEqual(
      (await user().wait(ids)).map(({ exitStatus }) => exitStatus),
      [0, 0],
    );
  });

  startsOnEachNode(user);

  test('a program starts on some nodes of a job only', async () => {
    const { report, tasks } = await probe(user(), 'others');
    assert.equal(report.failure, null);
    assert.deepEqual(
      tasks.map(({ allocation }) => allocation.nodeIndex),
      [1],
    );
  });

  test('a program that fails on a node is told', async () => {
    const { report } = await probe(user(), 'fail');
    assert.match(report.failure?.why ?? '', /7/);
  });

  test('a job that is put back into the queue runs again, as another attempt', when('requeue'), async () => {
    const { work } = user().cluster;
    const show = user().program('attempt-probe.ts').join(' ');
    const id = await user().accepted(
      [],
      `cd ${work}; ${show} >>attempts; if [ $(wc -l <attempts) = 1 ]; then sleep 300; fi`,
    );
    await user().read('attempts');
    while ((await user().read('attempts')) === '');
    const { code, stderr } = await user().runAsOperator(user().cluster.dialect.requeue(id));
    assert.equal(code, 0, stderr);
    await user().wait([id]);
    const attempts = (await user().read('attempts')).trim().split('\n');
    assert.equal(attempts.length, 2);
    assert.notEqual(attempts[0], attempts[1]);
  });

  test('a job in a VM has the exit code, output and errors of its script', when('vms'), async () => {
    const vsub = `${user().root}/bin/vsub`;
    const script = 'echo "in $(cat /proc/sys/kernel/ostype), $PBS_JOBID"; echo wrong >&2; exit 5\n';
    const { code, stdout, stderr } = await user().run([vsub, '-vm', 'img=host,ram=512M', '-N', 'vm'], script);
    assert.equal(code, 0, stderr);
    const id = user().submitted(stdout.trim());
    const [status] = await user().wait([id]);
    assert.equal(await user().read(`vm.e${sequence(id)}`), 'wrong\n');
    assert.equal(status?.exitStatus, 5);
    assert.equal(await user().read(`vm.o${sequence(id)}`), `in Linux, ${id}\n`);
  });

  test(
    'an interactive job in a VM ends with the exit code of its command, without a terminal',
    when('interactive'),
    async () => {
      const vsub = `${user().root}/bin/vsub`;
      const argv = [vsub, '-vm', 'img=host,ram=512M', '-I', '-x', '-v', 'X=a  b', 'echo "in $(uname -n) $X"; exit 6'];
      const { code, stdout, stderr } = await user().run(argv, '');
      assert.equal(code, 6, stderr);
      assert.match(stdout, /^in v\S+-1 a {2}b$/m);
    },
  );

  for (const [phase, ready] of [
    ['starts', false],
    ['runs', true],
  ] as const) {
    test(
      `a job in a VM that is cancelled while its ${ready ? 'script' : 'VM'} ${phase} ends`,
      when('vms'),
      async () => {
        const vsub = `${user().root}/bin/vsub`;
        // Not every batch system has -d.
        const script = `touch ${user().cluster.work}/in-vm-${phase}; sleep 300\n`;
        const { code, stdout, stderr } = await user().run([vsub, '-vm', 'img=host,ram=512M'], script);
        assert.equal(code, 0, stderr);
        const id = user().submitted(stdout.trim());
        await user().wait([id], ['running']);
        if (ready) await user().read(`in-vm-${phase}`);
        await user().call({ op: 'cancel', ids: [id] });
        const [status] = await user().wait([id]);
        assert.notEqual(status?.exitStatus, 0);
      },
    );
  }

  test('each element of an array runs in a VM of its own, under its own id', when('vms'), async () => {
    const { array, element: elementId, elementVariable, oddName } = user().cluster.dialect;
    const vsub = `${user().root}/bin/vsub`;
    const script = `echo "$PBS_JOBID" >"${user().cluster.work}/in-vm-$${elementVariable}"; exit 5\n`;
    const argv = [vsub, '-vm', 'img=host,ram=256M', ...array, '-N', oddName];
    const { code, stdout, stderr } = await user().run(argv, script);
    assert.equal(code, 0, stderr);
    const id = user().submitted(stdout.trim());
    for (const [at, { exitStatus }] of (await user().wait([1, 2, 3].map((index) => elementId(id, index)))).entries()) {
      assert.equal(exitStatus, 5);
      assert.equal(await user().read(`in-vm-${at + 1}`), `${elementId(id, at + 1)}\n`);
    }
  });

  vmOnEachNode(user, when, 'nodes=2:ppn=2');
}

export function startsOnEachNode(user: () => ContractUser): void {
  test('a program starts once on each node of a job, and gets its words as they are', async () => {
    const { id, report, tasks } = await probe(user(), 'all');
    assert.equal(report.failure, null);
    const { allocation } = report;
    assert.deepEqual([allocation.engine, allocation.jobId, allocation.nodeIndex], [user().cluster.engine, id, 0]);
    assert.deepEqual(
      allocation.nodes.map(({ slots }) => slots),
      [2, 2],
    );
    assert.ok(allocation.secret.length >= 16);
    assert.deepEqual(
      tasks.map((task) => ({ ...task, words: task.words.slice(1) })),
      [0, 1].map((nodeIndex) => ({ allocation: { ...allocation, nodeIndex }, words: WORDS })),
    );
  });
}

/** @param nodes a request for two nodes with two slots each */
export function vmOnEachNode(
  user: () => ContractUser,
  when: (feature: Feature) => { readonly skip: string | false },
  nodes: string,
): void {
  test('a job in VMs on several nodes has one on each, and its script in the first', when('vms'), async () => {
    const vsub = `${user().root}/bin/vsub`;
    const script = 'echo $(hostname) $(cat "$PBS_NODEFILE")\nexit 5\n';
    const argv = [vsub, '-vm', 'img=host,ram=256M', '-l', nodes, '-N', 'vms'];
    const { code, stdout, stderr } = await user().run(argv, script);
    assert.equal(code, 0, stderr);
    const id = user().submitted(stdout.trim());
    const [status] = await user().wait([id]);
    assert.equal(await user().read(`vms.e${sequence(id)}`), '');
    assert.equal(status?.exitStatus, 5);
    assert.match(await user().read(`vms.o${sequence(id)}`), /^(v\S+-1) \1 \1 (?!\1 )(v\S+-1) \2\n$/);
  });

  test(
    'what fails on the first of several nodes is told with the name that the batch system has for that node',
    when('vms'),
    async () => {
      const { root, cluster } = user();
      const prologue = `${cluster.work}/fails`;
      await user().run(['tee', prologue], `#!/bin/sh\necho "$VTORQUE_NODE" >${cluster.work}/first-node\nexit 2\n`);
      await user().run(['chmod', '+x', prologue]);
      const vm = `img=host,ram=256M,vm_prologue=${prologue}:first`;
      const { code, stdout, stderr } = await user().run(
        [`${root}/bin/vsub`, '-vm', vm, '-l', nodes, '-N', 'fails'],
        'true',
      );
      assert.equal(code, 0, stderr);
      const id = user().submitted(stdout.trim());
      assert.equal((await user().wait([id]))[0]?.exitStatus, 250);
      const lines = (await user().read(`fails.e${sequence(id)}`)).split('\n');
      assert.ok(lines.includes(`  node: ${(await user().read('first-node')).trim()}`), lines.join('\n'));
    },
  );
}

async function probe(
  user: ContractUser,
  kind: 'all' | 'others' | 'fail',
): Promise<{ id: string; report: ProbeReport; tasks: TaskReport[] }> {
  const directory = `${user.cluster.work}/tasks-${kind}`;
  const words = [...user.program('node-tasks-probe.ts'), 'start', directory, kind, ...WORDS];
  const command = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const { id } = await user.finish(['-l', 'nodes=2:ppn=2', '-N', `probe-${kind}`], `${command} >${directory}.report\n`);
  const report = JSON.parse(await user.read(`${directory}.report`)) as ProbeReport;
  const names = (await user.run(['ls', directory])).stdout.trim().split('\n').sort();
  const tasks = await Promise.all(names.map(async (name) => JSON.parse(await user.read(`${directory}/${name}`))));
  return { id, report, tasks: tasks as TaskReport[] };
}
