// Hooks in guests: the site's as root, the user's as he, before and behind the script, in every VM of a job; and the
// environment that all of it has.
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import type { FinishedJob } from './support/cluster.ts';
import { aFolder } from './support/folder.ts';
import { useCluster } from './support/use-cluster.ts';

/** The site's directory of hooks, and its configuration. */
let site: string;
let config: string;

const cluster = useCluster({
  nodes: 2,
  np: 2,
  around: async (ending) => {
    const base = await aFolder('site', ending);
    site = join(base, 'guest.d');
    config = join(base, 'config.toml');
    await mkdir(site, { mode: 0o755 });
  },
});

afterEach(async () => {
  for (const name of await readdir(site)) await rm(join(site, name));
});

const vm = ['-vm', 'img=host,vcpus=1,ram=256M'];

/** Put hooks of the site where its configuration says that they are. */
async function siteHas(hooks: Readonly<Record<string, string>>, timeouts = ''): Promise<void> {
  await writeFile(config, `[guests]\nhooks = "${site}"\n[timeouts]\n${timeouts}`);
  for (const [name, text] of Object.entries(hooks)) {
    await writeFile(join(site, name), text, { mode: 0o755 });
    await chmod(join(site, name), 0o755);
  }
}

async function submit(args: readonly string[], script: string): Promise<string> {
  await writeFile(join(cluster.work, 'job.sh'), script);
  const words = ['vsub', '-v', 'VTORQUE_CONFIG', ...args, 'job.sh'];
  const { code, stdout, stderr } = await cluster.run(words, { env: { VTORQUE_CONFIG: config } });
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

async function run(args: readonly string[], script: string): Promise<FinishedJob> {
  const job = await cluster.wait(await submit(args, script));
  await cluster.expectIdle();
  return job;
}

const jobs = (): string => join(cluster.user.home, '.local/state/vtorque/jobs');
const log = ({ id }: Pick<FinishedJob, 'id'>, name: string): Promise<string> =>
  readFile(join(jobs(), `${id}.hooks`, `${name}.log`), 'utf8');

const note = (name: string, more = ''): string =>
  `#!/bin/sh\necho ${name} >> /tmp/order\necho "${name}: $# $(id -u) $(pwd) $VTORQUE_RANK"\n${more}`;

test('all hooks run in their order in every VM, with the arguments of Torque, and their output is kept', async () => {
  await siteHas({
    prologue: note(
      'prologue',
      'chmod 666 /tmp/order\nprintf "<%s>" "$@"; echo\necho "$PBS_JOBID $SECRET $PBS_VMS_PN"\n',
    ),
    'prologue.parallel': note('prologue.parallel', 'chmod 666 /tmp/order\n'),
    epilogue: note('epilogue', 'printf "<%s>" "$@"; echo\ncat /tmp/order\n'),
    'epilogue.parallel': note('epilogue.parallel', 'shift 9; echo "code $1"\ncat /tmp/order\n'),
    'epilogue.precancel': note('precancel'),
  });
  await writeFile(join(cluster.work, 'pro.sh'), note('vm_prologue', 'echo "$SECRET" >&2; touch "from-$VTORQUE_VM"\n'));
  await writeFile(
    join(cluster.work, 'epi.sh'),
    note('vm_epilogue', 'rm pro.sh; group=$3; shift 9; echo "$group $1 $(whoami)"\n'),
  );
  const args = ['-l', 'nodes=2:ppn=1,walltime=5:00', '-A', 'acc', '-N', 'hooked', '-d', cluster.work, ...vm];
  const hooks = ['-vm', 'vm_prologue=pro.sh,vm_epilogue=epi.sh:first,env=SECRET=mine'];
  const job = await run([...args, ...hooks], '#!/bin/sh\necho script >> /tmp/order\nls from-*\nexit 3\n');
  const { id, stdout, stderr, exitStatus } = job;
  assert.deepEqual([stdout.toString(), stderr.toString(), exitStatus], ['from-vnode1-1\nfrom-vnode2-1\n', '', 3]);
  const [user, group] = [cluster.user.name, (await log(job, 'vnode1-1.vm_epilogue')).split(/[\n ]/)[5]];
  const resources = 'nodes=2:ppn=1,walltime=5:00';
  const script = `/run/vtorque/${id}.SC`;
  const first = (await log(job, 'vnode1-1.prologue')).split('\n');
  assert.deepEqual(first, [
    'prologue: 8 0 / 0',
    `<${id}><${user}><${group}><hooked><${resources}><batch><acc><${script}>`,
    `${id}  1`,
    '',
  ]);
  const end = (await log(job, 'vnode1-1.epilogue')).split('\n');
  assert.equal(end[0], 'epilogue: 11 0 / 0');
  assert.match(end[1] ?? '', /<0><nodes=2:ppn=1,walltime=5:00><walltime=00:00:\d\d><batch><acc><3></);
  assert.deepEqual(end.slice(2), ['prologue', 'vm_prologue', 'script', 'vm_epilogue', 'epilogue', '']);
  const { uid } = cluster.user;
  assert.equal(await log(job, 'vnode2-1.prologue.parallel'), 'prologue.parallel: 8 0 / 1\n');
  assert.equal(await log(job, 'vnode2-1.vm_prologue'), `vm_prologue: 8 ${uid} ${cluster.work} 1\nmine\n`);
  assert.equal(
    await log(job, 'vnode2-1.epilogue.parallel'),
    'epilogue.parallel: 11 0 / 1\ncode 3\nprologue.parallel\nvm_prologue\nepilogue.parallel\n',
  );
  assert.match(await log(job, 'vnode1-1.vm_epilogue'), new RegExp(`^vm_epilogue: 11 ${uid} .* 0\n.* 3 ${user}\n$`));
  assert.equal((await readdir(join(jobs(), `${id}.hooks`))).length, 7);
  const record = await readFile(join(jobs(), `${id}.jsonl`), 'utf8');
  assert.match(record, /"epilogue.parallel in vnode2-1 ended with exit code 0; its output is in [^"]*\.hooks"/);
});

for (const [what, prologue, code, message] of [
  [
    'refuses the job',
    '#!/bin/sh\necho no licence >&2\nexit 1\n',
    249,
    /"prologue" in guest "vnode1-1" ended with exit code 1\n {2}no licence\n/,
  ],
  ['asks for another node', '#!/bin/sh\nexit 2\n', 250, /ended with exit code 2\n.*\n.*has printed nothing/],
  [
    'is killed at its limit, with all that it has started',
    '#!/bin/sh\nsleep 600 &\nsleep 600\n',
    250,
    /was killed after 2 s, its limit\n/,
  ],
  ['is no program', '\x7fELF\n', 250, /"prologue" in guest "vnode1-1" ended with exit code (2|126|127)\n/],
  [
    'wants a shell that the guest has not',
    '#!/no/such/shell\n',
    250,
    /could not be started: execve: no such file or directory \(ENOENT\)\n.*\n.*first line names\n/,
  ],
  // It waits without any other program, which could not be read while the guest ends.
  ['ends its guest', '#!/bin/sh\necho o > /proc/sysrq-trigger\nkill -STOP $$\n', 245, /while "prologue" ran in it\n/],
] as const) {
  test(`a prologue that ${what} fails the job before its script`, async () => {
    await siteHas({ prologue }, 'guest_prologue = 2\n');
    const { stdout, stderr, exitStatus } = await run(vm, '#!/bin/sh\necho ran\n');
    assert.match(stderr.toString(), message);
    assert.deepEqual([stdout.toString(), exitStatus], ['', code]);
  });
}

test('a prologue of another node that fails ends the job, with its last lines, its log and the name of the node', async () => {
  const parallel = '#!/bin/sh\nseq 100\necho no disk\nexit 4\n';
  await siteHas({ prologue: '#!/bin/sh\n', 'prologue.parallel': parallel });
  const job = await run(['-l', 'nodes=2', ...vm], '#!/bin/sh\necho ran\n');
  assert.match(
    job.stderr.toString(),
    /in guest "vnode2-1" ended with exit code 4\n[\s\S]* {2}100\n {2}no disk\n.*\n {2}node: node2\n/,
  );
  assert.match(job.stderr.toString(), /printed: .*\.hooks\/vnode2-1\.prologue\.parallel\.log\n$/);
  assert.deepEqual([job.stdout.toString(), job.exitStatus], ['', 250]);
  assert.match(await log(job, 'vnode2-1.prologue.parallel'), /^1\n2\n[\s\S]*no disk\n$/);
});

test("the user's prologue fails his job in the same way", async () => {
  await writeFile(join(cluster.work, 'pro.sh'), '#!/bin/sh\necho mine\nexit 1\n');
  await siteHas({});
  const { stderr, exitStatus } = await run([...vm, '-vm', 'vm_prologue=pro.sh'], 'echo ran\n');
  assert.match(stderr.toString(), /"vm_prologue" in guest "vnode1-1" ended with exit code 1\n {2}mine\n/);
  assert.equal(exitStatus, 249);
});

test('epilogues that fail are told and change nothing', async () => {
  const hung = '#!/bin/sh\ntrap "" TERM\nsleep 600\n';
  await siteHas({ epilogue: hung, 'epilogue.parallel': '#!/bin/sh\nexit 9\n' }, 'guest_epilogue = 3\n');
  const job = await run(['-l', 'nodes=2', ...vm], '#!/bin/sh\necho ran\n');
  assert.deepEqual([job.stdout.toString(), job.exitStatus], ['ran\n', 0]);
  assert.match(job.stderr.toString(), /^vtorque: epilogue in vnode1-1 was killed after 3 s, its limit; .*\.hooks/m);
  assert.match(job.stderr.toString(), /^vtorque: epilogue.parallel in vnode2-1 ended with exit code 9; /m);
});

test("of a hook's output a bounded part is kept", async () => {
  await siteHas({});
  const chatter = '#!/bin/sh\nhead -c 10000000 /dev/zero | tr "\\0" x\necho; echo over\n';
  await writeFile(join(cluster.work, 'epi.sh'), chatter);
  const job = await run([...vm, '-vm', 'vm_epilogue=epi.sh:first'], '#!/bin/sh\necho ran\n');
  assert.deepEqual([job.stdout.toString(), job.stderr.toString(), job.exitStatus], ['ran\n', '', 0]);
  const kept = await log(job, 'vnode1-1.vm_epilogue');
  assert.ok(/^x+\n\[more than 256 KiB: the rest is not kept\]\n$/.test(kept), kept.slice(-80));
  assert.ok(kept.length < 300_000);
});

test('an epilogue that ends its guest fails the job: what was written last may be lost', async () => {
  await siteHas({ epilogue: '#!/bin/sh\necho o > /proc/sysrq-trigger\nsleep 60\n' });
  const { stderr, exitStatus } = await run(vm, 'true\n');
  assert.match(stderr.toString(), /guest "vnode1-1" ended [\s\S]*while "epilogue" ran in it\n/);
  assert.equal(exitStatus, 247);
});

test('a job that is deleted has its precancel in every VM before the script gets its signal, then its epilogues', async () => {
  const cancel = 'chmod 666 /tmp/order\n';
  const end = (name: string): string => note(name, 'cat /tmp/order\n');
  await siteHas({
    ...{ 'epilogue.precancel': note('precancel', cancel) },
    ...{ epilogue: end('epilogue'), 'epilogue.parallel': end('epilogue.parallel') },
  });
  const script = [
    ...['#!/bin/bash', 'cd "$PBS_O_WORKDIR"', 'trap "echo script >> /tmp/order; exit 4" TERM', 'echo > trapping'],
    ...['sleep 600 & wait', ''],
  ];
  const id = await submit(['-K', '60', '-l', 'nodes=2', ...vm], script.join('\n'));
  await cluster.appears('trapping');
  await cluster.run(['qdel', id]);
  const job = await cluster.wait(id);
  await cluster.expectIdle();
  assert.match(await log(job, 'vnode1-1.epilogue'), /^epilogue: 11 0 \/ 0\nprecancel\nscript\nepilogue\n$/);
  assert.match(await log(job, 'vnode2-1.epilogue.parallel'), /\nprecancel\nepilogue.parallel\n$/);
  assert.match(await log(job, 'vnode2-1.epilogue.precancel'), /^precancel: 11 0 \/ 1\n$/);
});

test('with the hook of the node for it, precancel comes to its end even where qdel leaves the job no time', async () => {
  const hook = join(cluster.env.VTORQUE_LOCAL ?? '', 'mom_priv/epilogue.precancel');
  const program = join(cluster.root, 'libexec/vtorque-hook');
  await writeFile(hook, `#!/bin/sh\nexec ${program} embedded epilogue.precancel "$@"\n`, { mode: 0o755 });
  await siteHas({ 'epilogue.precancel': note('precancel', 'sleep 1\necho done\n') });
  const script = '#!/bin/bash\ncd "$PBS_O_WORKDIR"\necho > unhurried\nsleep 600\n';
  const id = await submit(['-l', 'nodes=node1:ppn=2', '-vm', 'vms_per_node=2,ram=256M'], script);
  await cluster.appears('unhurried');
  assert.equal((await cluster.run(['qdel', '-W', '0', id])).code, 0);
  const job = await cluster.wait(id);
  await rm(hook);
  await cluster.expectIdle();
  for (const rank of [0, 1]) {
    const words = `precancel: 11 0 / ${rank}\ndone\n`;
    assert.equal(await log(job, `vnode1-${rank + 1}.epilogue.precancel`), words);
  }
});

test('a directory of hooks that is not there, or a hook that anybody may write, fails the job and says so', async () => {
  await writeFile(config, '[guests]\nhooks = "/nowhere/at/all"\n');
  const gone = await run(vm, 'echo ran\n');
  assert.match(gone.stderr.toString(), /Cannot use the site's "\/nowhere\/at\/all": there is no such directory\n/);
  await siteHas({ prologue: '#!/bin/sh\n' });
  await chmod(join(site, 'prologue'), 0o777);
  const open = await run(vm, 'echo ran\n');
  assert.match(open.stderr.toString(), /prologue": it is not to be trusted, .*may be written by others \(mode 777\)\n/);
  assert.deepEqual([gone.exitStatus, open.exitStatus], [240, 240]);
});

test('vsub refuses a hook that is not there, and queues nothing', async () => {
  await writeFile(join(cluster.work, 'job.sh'), 'true\n');
  const { code, stdout, stderr } = await cluster.run(['vsub', ...vm, '-vm', 'vm_epilogue=none.sh', 'job.sh']);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^vsub: Cannot use vm_epilogue="\/.*\/none.sh": there is no such file\n/);
});

test('script, console and hooks of a VM have the same variables, which are true of the VM', async () => {
  await siteHas({});
  const show = '#!/bin/bash\nenv | grep -E "^(PBS|VTORQUE|DISTRO|A|B)" | grep -v "^PBS_O_" | sort';
  await writeFile(join(cluster.work, 'pro.sh'), `${show}\n`);
  const args = [
    '-t',
    '5',
    '-l',
    'nodes=2:ppn=2',
    '-v',
    'A=x y',
    '-vm',
    'img=host,vcpus=1,vms_per_node=2,ram=256M,env=B=2,vm_prologue=pro.sh',
  ];
  await writeFile(join(cluster.work, 'job.sh'), `${show}\nwc -c "$PBS_GPUFILE" "$PBS_MICFILE" | head -2\n`);
  const { stdout: answer, stderr } = await cluster.run(['vsub', ...args, 'job.sh']);
  assert.equal(stderr, '');
  const job = await cluster.wait(answer.trim().replace('[]', '[5]'));
  await cluster.expectIdle();
  const lines = job.stdout.toString().split('\n');
  const variables = lines.slice(0, -3).join('\n');
  assert.equal(`${variables}\n`, await log(job, 'vnode1-1.vm_prologue'));
  const of = (text: string, name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1];
  const other = await log(job, 'vnode2-2.vm_prologue');
  const names = ['PBS_NP', 'PBS_NUM_NODES', 'PBS_NUM_PPN', 'PBS_VMS_PN', 'PBS_NODENUM', 'PBS_VNODENUM', 'PBS_ARRAYID'];
  const values = (text: string): (string | undefined)[] => names.map((name) => of(text, name));
  assert.deepEqual(values(variables), ['4', '4', '1', '2', '0', '0', '5']);
  assert.deepEqual(values(other), ['4', '4', '1', '2', '3', '3', '5']);
  const own = ['A', 'B', 'VTORQUE_RANK', 'VTORQUE_VM', 'VTORQUE_NODE', 'VTORQUE_VMS', 'VTORQUE_IMAGE'];
  assert.deepEqual(
    own.map((name) => of(other, name)),
    ['x y', '2', '3', 'vnode2-2', 'node2', '4', 'host'],
  );
  assert.match(of(variables, 'DISTRO') ?? '', /^[a-z]+$/);
  assert.equal(of(variables, 'PBS_JOBCOOKIE'), undefined);
  assert.match(lines.slice(-3).join('\n'), /^0 .*gpu\n0 .*mic\n$/);
});

test('a shell at a terminal has its prologue before it and its epilogue behind it', async () => {
  await siteHas({});
  const hook = '#!/bin/sh\necho "$0" >> "$PBS_O_WORKDIR/hooks-ran"\n';
  await writeFile(join(cluster.work, 'pro.sh'), hook);
  const line = ['vsub', '-I', ...vm, '-vm', 'vm_prologue=pro.sh,vm_epilogue=pro.sh'];
  await using terminal = await cluster.atTerminal(line);
  await terminal.expect(/\$ /);
  terminal.type('echo "<$(wc -l < $PBS_O_WORKDIR/hooks-ran) $DISTRO $VTORQUE_RANK>"; exit 5\r');
  await terminal.expect(/<1 [a-z]+ 0>\r/);
  assert.equal(await terminal.exit, 5);
  await cluster.expectIdle();
  assert.equal((await readFile(join(cluster.work, 'hooks-ran'), 'utf8')).split('\n').length, 3);
});
