// Where the VMs of a job run on their node: the threads of real VMs, seen from the node.
import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatRanges } from '../src/base/index.ts';
import { readNodeFacts } from '../src/node/facts/index.ts';
import { cpuClaims } from '../src/node/guest/cpu-claims.ts';
import { processesOf } from './support/processes.ts';
import { useCluster } from './support/use-cluster.ts';

const { allowed } = readNodeFacts();
const severalCpus = allowed.length > 1 ? {} : { skip: 'this machine has one CPU' };
const MiB = 1024 ** 2;

const cluster = useCluster({ np: 4 });

interface Seen {
  /** CPUs of each virtual CPU, in the order of VMs and of virtual CPUs, as the kernel writes them. */
  readonly vcpus: readonly string[];
  /** Of all other threads of QEMU. */
  readonly others: ReadonlySet<string>;
  /** Of all threads of the servers of shared folders. */
  readonly servers: ReadonlySet<string>;
  /** KiB of huge pages. */
  readonly hugePages: number;
  /** What the launcher recorded. */
  readonly facts: readonly string[];
  readonly stdout: string;
}

/** Run a job until its script is up, look at its machines, and let it end. */
async function look(name: string, request: string): Promise<Seen> {
  await rm(join(cluster.work, 'go'), { force: true });
  const script = `#!/bin/bash\nnproc\ntouch ${name}.up\nwhile [ ! -e go ]; do sleep 0.2; done\n`;
  const args = ['-d', cluster.work, '-vm', `img=host,ram=256M,${request}`];
  const id = await cluster.submit(args, script, `${name}.sh`);
  const ended = cluster.wait(id);
  await Promise.race([cluster.appears(`${name}.up`), ended]);
  const seen = await Promise.all((await machines()).map(({ pid }) => threadsOf(pid)));
  const serving = (await cluster.record(id)).some(({ value }) => String(value).startsWith('shares virtiofs:'));
  const daemons = serving ? await processesOf(cluster.user, /^virtiofsd/) : [];
  const servers = await Promise.all(daemons.map(({ pid }) => threadsOf(pid)));
  await writeFile(join(cluster.work, 'go'), '');
  const { exitStatus, stdout, stderr } = await ended;
  assert.deepEqual([stderr.toString(), exitStatus], ['', 0]);
  const facts = (await cluster.record(id)).map(({ event, value }) => ({ event, value: String(value) }));
  return {
    vcpus: seen.flatMap(({ vcpus }) => vcpus),
    others: new Set(seen.flatMap(({ others }) => others)),
    servers: new Set(servers.flatMap((each) => each.others)),
    hugePages: seen.reduce((sum, { hugePages }) => sum + hugePages, 0),
    facts: facts.flatMap(({ event, value }) => (event === 'fact' && /^placement/.test(value) ? [value] : [])),
    stdout: stdout.toString(),
  };
}

/** By their names. */
async function machines() {
  const found = await processesOf(cluster.user, /^qemu-system/);
  return found.toSorted((a, b) => (a.args.join() < b.args.join() ? -1 : 1));
}

async function threadsOf(pid: number) {
  const threads = await Promise.all(
    (await readdir(`/proc/${pid}/task`)).map(async (tid) => {
      const status = await readFile(`/proc/${pid}/task/${tid}/status`, 'utf8');
      const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
      return {
        name: field('Name'),
        cpus: field('Cpus_allowed_list'),
        hugePages: Number.parseInt(field('HugetlbPages'), 10),
      };
    }),
  );
  const numbered = threads.flatMap(({ name, cpus }) => {
    const [, vcpu] = /^CPU (\d+)\//.exec(name) ?? [];
    return vcpu === undefined ? [] : [{ vcpu: Number(vcpu), cpus }];
  });
  return {
    vcpus: numbered.sort((a, b) => a.vcpu - b.vcpu).map(({ cpus }) => cpus),
    others: threads.filter(({ name }) => !/^CPU \d/.test(name)).map(({ cpus }) => cpus),
    hugePages: threads[0]?.hugePages ?? 0,
  };
}

test(
  'with vcpu_pinning=auto each virtual CPU has a CPU, and the other threads of QEMU the rest',
  severalCpus,
  async (t) => {
    if (await othersArePinned()) return t.skip('VMs of other jobs are pinned on this machine');
    const { vcpus, others, servers, facts, stdout } = await look('auto', 'vcpus=1,vcpu_pinning=auto');
    assert.equal(vcpus.length, 1);
    assert.match(vcpus[0] ?? '', /^\d+$/);
    const rest = allowed.filter((cpu) => String(cpu) !== vcpus[0]);
    assert.equal(others.size, 1);
    for (const cpu of [...others].join().split(',')) assert.ok(!vcpus.includes(cpu), 'apart from the virtual CPU');
    if (allowed.length === 2) assert.deepEqual([...others], [formatRanges(rest)]);
    // Where virtiofsd cannot run QEMU serves the folders itself.
    if (servers.size > 0) assert.deepEqual(servers, others);
    assert.match(facts.join(), new RegExp(`^placement: virtual CPUs on CPU ${vcpus[0]}, QEMU's other threads on `));
    assert.equal(stdout, '1\n');
  },
);

test('the virtual CPUs of all VMs on a node have CPUs of their own', severalCpus, async () => {
  const { vcpus, facts } = await look('two', 'vcpus=1,vms_per_node=2,vcpu_pinning=auto');
  assert.equal(vcpus.length, 2);
  assert.equal(new Set(vcpus).size, 2);
  assert.deepEqual(
    facts.map((fact) => /^placement of (\S+):/.exec(fact)?.[1]),
    ['vnode1-1', 'vnode1-2'],
  );
});

test('with vcpu_pinning=FILE they are where the file says', severalCpus, async () => {
  const [first = 0, second = 0] = allowed;
  await writeFile(join(cluster.work, 'pins'), `# VM VCPU CPU\n1 0 ${second}\n1 1 ${first}\n`);
  const { vcpus, stdout } = await look('file', 'vcpus=2,vcpu_pinning=pins');
  assert.deepEqual(vcpus, [`${second}`, `${first}`]);
  assert.equal(stdout, '2\n');
});

test('with vcpu_pinning=false all threads run where the job may', async () => {
  const { vcpus, others, facts } = await look('free', 'vcpus=2,vcpu_pinning=false');
  assert.deepEqual(new Set([...vcpus, ...others]), new Set([formatRanges(allowed)]));
  assert.deepEqual(facts, ['placement: virtual CPUs are not pinned: the job asks for that']);
});

test('without being asked, a job that has not the whole node is not pinned where the batch system gives it no cores', {
  skip: allowed.length !== readNodeFacts().cpus.length && 'this process is bound to some of the CPUs',
}, async () => {
  const { vcpus, facts } = await look('unasked', 'vcpus=1');
  const whole = allowed.length === 1;
  if (!whole) assert.deepEqual(vcpus, [formatRanges(allowed)]);
  if (!whole) assert.match(facts.join(), /not pinned: the batch system gives the job no cores of its own$/);
});

test('more virtual CPUs than cores end the job before a VM starts, with what would do', async (t) => {
  const vcpus = allowed.length + 1;
  if (vcpus > 4) return t.skip('the nodes of the test have four slots, and this machine as many CPUs, or more');
  const request = `img=host,ram=256M,vcpus=${vcpus},vcpu_pinning=auto`;
  const id = await cluster.submit(['-vm', request], '#!/bin/sh\necho ran\n', 'many.sh');
  const { stdout, stderr, exitStatus } = await cluster.wait(id);
  const state = `the job may use ${allowed.length} CPUs? of node "node1" for its ${vcpus} virtual CPUs`;
  assert.match(
    stderr.toString(),
    new RegExp(
      `Cannot pin virtual CPUs: ${state}\n  phase: plan\n  hint: Ask for 1 more slot, for vcpus=${allowed.length}, or`,
    ),
  );
  assert.deepEqual([stdout.toString(), exitStatus], ['', 241]);
});

test('a file that cannot be used for vcpu_pinning= is refused before the job is queued', async () => {
  await writeFile(join(cluster.work, 'few'), '1 0 0\n');
  await writeFile(join(cluster.work, 'job.sh'), '#!/bin/sh\n');
  const refusal = async (file: string): Promise<string> => {
    const { code, stderr } = await cluster.run(['vsub', '-vm', `vcpus=2,vcpu_pinning=${file}`, 'job.sh']);
    assert.equal(code, 1);
    return stderr;
  };
  assert.match(
    await refusal('none'),
    /Cannot use vcpu_pinning="none": there is no such file\n {2}hint: Write vcpu_pinning=auto, /,
  );
  assert.match(await refusal('few'), /virtual CPU 1 of VM 1 is missing\n {2}hint: Add a line "1 1 CPU"/);
});

/** Whether jobs that are none of these tests have CPUs of this machine. */
async function othersArePinned(): Promise<boolean> {
  await using claims = cpuClaims();
  return (await claims.claim(allowed)).length > 0;
}

const reserved = '/proc/sys/vm/nr_hugepages';

test('with hugepages=true the job ends before a VM starts where no huge pages are free, with what would do', async (t) => {
  if ((await freePages()) > 0) return t.skip('huge pages are free here');
  const id = await cluster.submit(['-vm', 'img=host,ram=256M,hugepages=true'], '#!/bin/sh\necho ran\n', 'none.sh');
  const { stdout, stderr, exitStatus } = await cluster.wait(id);
  assert.match(
    stderr.toString(),
    /Cannot use hugepages=true on node "node1": the VM needs 128 free huge pages of 2M, and none are free\n {2}phase: plan\n {2}hint: Ask for hugepages=false, or /,
  );
  assert.deepEqual([stdout.toString(), exitStatus], ['', 241]);
});

test('with hugepages=true the memory of the guest is huge pages', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can reserve huge pages');
  const before = await readFile(reserved, 'utf8');
  try {
    await writeFile(reserved, `${Number(before) + 128}`).catch(() => {});
    if ((await freePages()) < 128) return t.skip('this machine gives no huge pages');
    const { hugePages, facts } = await look('huge', 'vcpus=1,hugepages=true,vcpu_pinning=false');
    assert.equal(hugePages, (256 * MiB) / 1024);
    assert.match(facts.join(), /, in huge pages of 2M$/);
  } finally {
    await writeFile(reserved, before).catch(() => {});
  }
});

async function freePages(): Promise<number> {
  return readNodeFacts().numa.reduce(
    (sum, { hugePages }) => sum + hugePages.reduce((free, pages) => free + pages.free, 0),
    0,
  );
}
