// Where the values of a request come from, what the site says to it, and what vsub would do: as an ordinary user sees it.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { readSubmission } from '../src/job/submission.ts';
import { installRoot } from '../src/site/index.ts';
import { type Schema, schemaErrors } from './support/schema.ts';
import { useCluster } from './support/use-cluster.ts';

let schema: Schema;
let config: string;

const cluster = useCluster({
  np: 4,
  whenStarted: async ({ user, work }) => {
    schema = JSON.parse(await readFile(join(installRoot, 'docs/schema/explain.schema.json'), 'utf8'));
    config = join(work, 'config.toml');
    await mkdir(join(user.home, '.config/vtorque'), { recursive: true });
  },
});

beforeEach(async () => {
  await writeFile(
    join(cluster.work, 'job.sh'),
    '#!/bin/sh\n#PBS -l nodes=1:ppn=2\n#VSUB env=FROM=script,cpu=max\nhostname\n',
  );
  await rm(config, { force: true });
  await rm(join(cluster.user.home, '.config/vtorque/defaults.toml'), { force: true });
});

const useDefaults = (text: string) => writeFile(join(cluster.user.home, '.config/vtorque/defaults.toml'), text);

/** One line for each job, which no job that goes on changes. */
async function jobsThere(): Promise<number> {
  return (await cluster.run(['qstat'])).stdout.split('\n').length;
}

/** Run vsub with a site's configuration. */
async function vsub(args: readonly string[], { site = '', env = {} as Record<string, string> } = {}) {
  if (site !== '') await writeFile(config, site);
  return cluster.run(['vsub', ...args], { env: { ...env, ...(site === '' ? {} : { VTORQUE_CONFIG: config }) } });
}

async function explain(args: readonly string[], options?: Parameters<typeof vsub>[1]) {
  const { stdout, stderr, code } = await vsub(['--explain', '--json', ...args], options);
  assert.equal(code, 0, stderr);
  const explanation = JSON.parse(stdout);
  assert.deepEqual(schemaErrors(explanation, schema), []);
  const sources = Object.fromEntries(
    explanation.values.map(({ key, value, origin }: { key: string; value: string; origin: { kind: string } }) => [
      key,
      `${value}: ${origin.kind}`,
    ]),
  );
  return { explanation, sources };
}

test('each key comes from the strongest source that has it', async () => {
  await useDefaults('[vm]\nram = "1536M"\nimg = "mine"\nnet = "none"\n');
  const site = '[defaults]\nram = "2G"\nimg = "sites"\nvcpus = 1\n[queues.batch.defaults]\nimg = "queues"\nvcpus = 2\n';
  const { sources, explanation } = await explain(['-q', 'batch', '-vm', 'img=host', 'job.sh'], {
    site,
    env: { VSUB_OPTIONS: '-vm net=user,cpu=qemu64,env=FROM=environment' },
  });
  assert.deepEqual(sources, {
    img: 'host: command line',
    vcpus: '2: queue defaults',
    ram: '1536M: user defaults',
    vms_per_node: '1: built in',
    cpu: 'max: script',
    net: 'user: environment',
    env: 'FROM=script: script',
    mount: 'null: built in',
    distro: 'null: built in',
    keep: '0: built in',
    warm: 'auto: built in',
    kernel: 'null: built in',
    vcpu_pinning: 'null: built in',
    hugepages: 'false: built in',
    ssh: 'true: built in',
    vm_prologue: 'null: built in',
    vm_epilogue: 'null: built in',
    disk: 'null: built in',
    fs_type: 'sharedfs: built in',
  });
  assert.deepEqual([explanation.batch.queue, explanation.config], ['batch', config]);
});

test('VSUB_OPTIONS alone asks for a VM, defaults alone do not', async () => {
  await writeFile(join(cluster.work, 'plain.sh'), '#!/bin/sh\nhostname\n');
  await useDefaults('[vm]\nram = "1G"\n');
  assert.equal((await explain(['plain.sh'])).explanation.vm, false);
  const { explanation } = await explain(['plain.sh'], { env: { VSUB_OPTIONS: 'vcpus=2,keep=5' } });
  assert.deepEqual(explanation.request, { img: 'host', keep: 5, vcpus: 2, ram: 2 ** 30 });
  assert.deepEqual(explanation.batch.added, [{ words: ['-l', 'nodes=1:ppn=2'], reason: '2 virtual CPUs' }]);
});

test('mistakes in the sources are refused with their place', async () => {
  const refused = async (expected: RegExp, options?: Parameters<typeof vsub>[1]) => {
    const { stderr, stdout, code } = await vsub(['-vm', 'img=host', 'job.sh'], options);
    assert.match(stderr, expected);
    assert.deepEqual([stdout, code === 1 || code === 2], ['', true]);
  };
  await refused(/no such key\n {2}in VSUB_OPTIONS\n {2}hint: Did you mean "vcpus"\?/, {
    env: { VSUB_OPTIONS: 'vcpu=2' },
  });
  await refused(/Cannot read "VSUB_OPTIONS: -N x": not a VM request/, { env: { VSUB_OPTIONS: '-N x' } });
  await refused(/Cannot use the configuration ".*config.toml": an error in it\n {2}line 2: policy.max_ram: /, {
    site: '[policy]\nmax_ram = 8\n',
  });
  await useDefaults('[vm]\n\nram = "1X"\n');
  await refused(/Cannot use ram="1X": not a size\n {2}in your defaults, .*defaults.toml:3\n/);
});

test("the site's policy is met before the job is queued", async () => {
  const site = '[policy]\nmax_vcpus = 2\nmounts = ["/scratch/*"]\n[queues.small.policy]\nmax_ram = "512M"\n';
  const refused = async (request: string, expected: RegExp, ...args: string[]) => {
    const { stderr, code } = await vsub([...args, '-vm', request, 'job.sh'], { site });
    assert.match(stderr, expected);
    assert.equal(code, 1);
  };
  await refused('vcpus=3', /^vsub: Cannot use vcpus=3.* 2 slots on the node\n/);
  await refused('vcpus=3', /^vsub: Cannot use vcpus=3: the site allows 2\n/, '-l', 'nodes=1:ppn=3');
  await refused('mount=/data:/data', /the site does not allow that folder\n/);
  await refused('ram=1G', /^vsub: Cannot use ram=1G in queue "small": the site allows 512M\n/, '-q', 'small');
});

test('a queue that is not there is refused before the job is queued, and one that is there is not', async () => {
  const jobs = await jobsThere();
  const { stderr, code } = await vsub(['-q', 'btach', '-vm', 'img=host', 'job.sh']);
  assert.match(stderr, /^vsub: Cannot use queue "btach": there is no such queue\n {2}hint: Did you mean "batch"\?/);
  assert.equal(code, 1);
  assert.equal(await jobsThere(), jobs);
  assert.equal((await vsub(['--explain', '-q', 'batch', '-vm', 'img=host', 'job.sh'])).code, 0);
});

test('where the site says so, slots are raised by what the node itself needs', async () => {
  const site = '[submit]\nhost_cores = 1\nundersized = "raise"\n';
  const { explanation } = await explain(['-vm', 'vcpus=2', 'job.sh'], { site });
  assert.deepEqual(explanation.batch.added, [
    {
      words: ['-l', 'nodes=1:ppn=3'],
      reason: '2 virtual CPUs and 1 slot for the node itself',
      replaces: 'nodes=1:ppn=2',
    },
  ]);
  assert.deepEqual(explanation.batch.argv, ['-l', 'nodes=1:ppn=3', 'job.sh']);
});

test('--explain shows people the same, and submits nothing', async () => {
  const jobs = await jobsThere();
  const { stdout, stderr, code } = await vsub(['--explain', '-vm', 'ram=512M,vrdma=1', 'job.sh']);
  assert.match(stdout, /^ {2}vcpus=2 +one per slot of the job$/m);
  assert.match(stdout, /^ {2}ram=512M +the command line$/m);
  assert.match(stdout, /^ {2}cpu=max +line 3 of the script$/m);
  assert.match(stdout, /^ {2}vrdma=1 means false .* the clear spelling is vrdma=false$/m);
  assert.match(stdout, /qemu-system-x86_64 \\\n {4}-name guest=vNODE-1/);
  assert.deepEqual([stderr, code], ['', 0]);
  assert.equal(await jobsThere(), jobs);
});

test('--explain works where there is no batch system', async () => {
  const { explanation } = await explain(['-vm', 'img=host', 'job.sh'], {
    env: { PATH: `${cluster.root}/bin:/usr/bin:/bin`, VTORQUE_LOCAL: '/nonexistent' },
  });
  assert.equal(explanation.batch.system, null);
});

test('--explain works where the batch system does not answer, and says what it could not check', async () => {
  const { explanation } = await explain(['-vm', 'vcpus=64', 'job.sh', '-l', 'nodes=1:ppn=64', '-q', 'nowhere'], {
    env: { VTORQUE_LOCAL: '/nonexistent' },
  });
  assert.match(explanation.warnings[0], /^queue and nodes are not checked: Cannot /);
  assert.equal(explanation.warnings.length, 1);
});

test('--json gives also the errors of qsub itself as data, with its exit code', async () => {
  for (const request of [['-vm', 'ram=512M'], []]) {
    const { stdout, stderr, code } = await vsub(['--json', ...request, '-l', 'walltime=xx', 'job.sh']);
    const { error } = JSON.parse(stderr);
    assert.deepEqual([stdout, code, error.code, error.exitCode], ['', 168, 'E_QSUB', 168]);
    assert.match(error.message, /^qsub: submit error \(Illegal attribute/);
  }
});

test('a warning goes to standard error, and the job goes', async () => {
  const { stdout, stderr, code } = await vsub(['-h', '-vm', 'ram=512M,iocm=1', 'job.sh']);
  assert.match(stderr, /^vsub: warning: iocm=1 means false .* iocm=false\n$/);
  assert.equal(code, 0);
  assert.equal((await cluster.run(['qdel', stdout.trim()])).code, 0);
});

test('folders that would hide one another are refused before the job is queued', async () => {
  for (const guest of [cluster.work, join(cluster.work, 'deep'), cluster.user.home]) {
    const { stdout, stderr, code } = await vsub(['-vm', `mount=/var/tmp:${guest}`, 'job.sh']);
    assert.match(stderr, /^vsub: Cannot mount "\/var\/tmp" at ".*": ".*" is mounted there\n {2}hint: /);
    assert.deepEqual([stdout, code], ['', 1]);
  }
});

test('a job that would be refused is refused by --explain and --dry-run with the same words', async () => {
  const args = ['-vm', 'vcpus=3', 'job.sh'];
  const [submitted, explained, dry] = await Promise.all([
    vsub(args),
    vsub(['--explain', ...args]),
    vsub(['-gf', ...args]),
  ]);
  assert.deepEqual([explained, dry], [submitted, submitted]);
  assert.equal(submitted?.code, 1);
});

test('--dry-run writes what would be submitted into a new directory, and that can be submitted by hand', async () => {
  const jobs = await jobsThere();
  const json = JSON.parse((await vsub(['-gf', '--json', '-vm', 'ram=512M', 'job.sh'])).stdout);
  assert.deepEqual(schemaErrors(json, schema), []);
  assert.deepEqual((await readdir(json.dryRun.directory)).sort(), json.dryRun.files.toSorted());
  const { stdout } = await vsub(['--dry-run', '-N', 'dry', '-vm', 'ram=512M', 'job.sh']);
  const [directory = ''] = stdout.split('\n');
  assert.deepEqual((await readdir(directory)).sort(), ['explain.json', 'job.sh', 'qemu.txt', 'qsub.txt']);
  const submission = readSubmission(await readFile(join(directory, 'job.sh')));
  assert.deepEqual(Buffer.from(submission.script), await readFile(join(cluster.work, 'job.sh')));
  assert.deepEqual(schemaErrors(JSON.parse(await readFile(join(directory, 'explain.json'), 'utf8')), schema), []);
  assert.equal(await jobsThere(), jobs);
  const byHand = await cluster.run(['sh', join(directory, 'qsub.txt')]);
  const job = await cluster.wait(byHand.stdout.trim());
  assert.deepEqual([job.status.name, job.stdout.toString()], ['dry', 'vnode1-1\n']);
});

test("a job's node follows the site's configuration", async () => {
  const site = `
    [nodes."no*".network]
    name_servers = ["192.0.2.7"]
    search = ["site.example"]
    [nodes.node1.storage]
    transport = "9p"
    [nodes.node1.vm]
    accelerator = "tcg"
    [nodes.other.timeouts]
    guest = 1`;
  const lines = ['cat /etc/resolv.conf', 'grep -c "^share.* 9p " /proc/mounts'];
  await writeFile(join(cluster.work, 'node.sh'), ['#!/bin/sh', ...lines, ''].join('\n'));
  const { stdout } = await vsub(['-v', 'VTORQUE_CONFIG', '-vm', 'ram=512M', 'node.sh'], { site });
  const job = await cluster.wait(stdout.trim());
  assert.match(job.stdout.toString(), /^nameserver 192.0.2.7\nsearch site.example\n(options .*\n)?[1-9]\n$/);
  const record = JSON.stringify(await cluster.record(job.id));
  assert.match(record, /"accelerator tcg: the site says so"/);
  assert.match(record, /"shares 9p: the site says so"/);
});

test('a guest that does not answer in the time that the site gives it ends the job, with the reason', async () => {
  await writeFile(join(cluster.work, 'late.sh'), '#!/bin/sh\necho ran\n');
  const site = '[timeouts]\nguest = 1\n[vm]\naccelerator = "tcg"\nwarm = "off"\n';
  const { stdout } = await vsub(['-v', 'VTORQUE_CONFIG', '-vm', 'ram=512M', 'late.sh'], { site });
  const job = await cluster.wait(stdout.trim());
  assert.match(job.stderr.toString(), /its agent did not answer within 1 s/);
  assert.deepEqual([job.stdout.toString(), job.exitStatus], ['', 245]);
});

test('vsub -vm is refused by the embedded batch system in the words and with the exit code of its qsub', async () => {
  const held = ['-h', '-N', 'same', '-W', 'umask=027', '-z', 'job.sh'];
  for (const args of [
    ['-W', 'foo=bar', 'job.sh'],
    ['-l', 'mem=abc', 'job.sh'],
    ['-l', 'nodes=nosuch', 'job.sh'],
    held,
  ]) {
    const qsub = await cluster.run(['qsub', ...args]);
    const inVm = await vsub(['-vm', 'img=host', ...args]);
    assert.deepEqual(inVm, qsub, args.join(' '));
  }
  const jobs = (await cluster.run(['qstat', '-f'])).stdout.split('Job Id:').filter((job) => job.includes('= same\n'));
  assert.equal(jobs.length, 2);
  await cluster.run(['qdel', 'all']);
});

test('vsub -vm takes a script on standard input, and the job has its name', async () => {
  const { stdout, code } = await cluster.run(['vsub', '-h', '-vm', 'img=host'], { input: '#!/bin/sh\ntrue\n' });
  assert.equal(code, 0);
  const { stdout: status } = await cluster.run(['qstat', '-f', stdout.trim()]);
  assert.match(status, /Job_Name = STDIN\n/);
  await cluster.run(['qdel', stdout.trim()]);
});
