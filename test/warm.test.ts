// Clones of a template: that they come about, that each is a machine of its own, and that a job runs whatever is wrong with a template.
import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sha256 } from '../src/base/index.ts';
import { processesOf } from './support/processes.ts';
import { useCluster } from './support/use-cluster.ts';

// A shape of its own: templates of root are shared by all users.
const vm = ['-vm', 'img=host,vcpus=1,ram=500M'];

/** Where the templates of these jobs are: those that the user has otherwise are none of a test's business. */
let cache: string;
let store: string;

const cluster = useCluster({
  np: 8,
  whenStarted: ({ work }) => {
    cache = join(work, 'cache');
    store = join(cache, 'vtorque/templates');
  },
});

beforeEach(() => rm(store, { recursive: true, force: true }));

function submit(script: string, args: readonly string[], variables: readonly string[] = []): Promise<string> {
  return cluster.submit(['-v', [`XDG_CACHE_HOME=${cache}`, ...variables].join(), ...args], script);
}

/** @param config a site configuration, for this job */
async function runJob(script: string, args: readonly string[] = vm, config = '') {
  const file = join(cluster.work, 'config.toml');
  await writeFile(file, config);
  const id = await submit(`#!/bin/bash\n${script}\n`, args, [`VTORQUE_CONFIG=${file}`]);
  const job = await cluster.wait(id);
  assert.deepEqual([job.stderr.toString(), job.exitStatus], ['', 0]);
  return { id, output: job.stdout.toString(), facts: await factsOf(id) };
}

/** What was chosen for a job, and why: those that begin with one of these words. */
async function factsOf(id: string): Promise<string[]> {
  return (await cluster.record(id))
    .flatMap(({ event, value }) => (event === 'fact' ? [String(value)] : []))
    .filter((fact) => /^(warm start|cold boot|making|template)/.test(fact));
}

/**
 * What is counted of the user's VMs on this machine while `work` is done, and what is not 0 of it.
 * @returns values by names and labels as `vtorque doctor --metrics` prints them
 */
async function countedDuring(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const counters = async (): Promise<Map<string, number>> => {
    const { stdout } = await cluster.run(['vtorque', 'doctor', '--metrics']);
    const samples = stdout.matchAll(/^vtorque_(\w+_total)\{user="[^"]*",?(.*)\} (\d+)$/gm);
    return new Map(
      [...samples].map(([, name = '', labels = '', value]) => [`${name} ${labels}`.trim(), Number(value)]),
    );
  };
  const before = await counters();
  await work();
  const grown = [...(await counters())].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, value]) => value !== 0));
}

async function templates(): Promise<string[]> {
  return (await readdir(store)).filter((name) => !name.startsWith('.')).map((name) => join(store, name));
}

/** Wait until a maker is at work. */
async function aDraft(): Promise<void> {
  while (!(await readdir(store).catch(() => [])).some((name) => name.startsWith('.new-'))) await delay(5);
}

test('the first job makes a template and starts from it, and so does the next one with other folders', async () => {
  const first = await runJob('echo done');
  assert.equal(first.output, 'done\n');
  assert.deepEqual(
    first.facts.map((fact) => fact.split(/[ :]+/).slice(0, 2).join(' ')),
    ['making a', 'template made', 'warm start'],
  );
  const made = await templates();
  const second = await runJob('ls /data', [...vm, '-vm', 'mount=/usr/share/doc:/data:ro,net=none']);
  assert.deepEqual(
    second.facts.map((fact) => fact.slice(0, 10)),
    ['warm start'],
  );
  assert.notEqual(second.output, '');
  assert.deepEqual(await templates(), made);
});

test('eight clones have nothing in common that is to be random, nor the machine id', async () => {
  const script = [
    'head -c 1048576 /dev/urandom | sha256sum',
    'cat /proc/sys/kernel/random/boot_id /etc/machine-id',
    `python3 -c 'import secrets, random; print(secrets.token_hex(32)); print(random.random())'`,
    // The node need not have it.
    'if command -v ssh-keygen > /dev/null; then ssh-keygen -q -t ed25519 -N "" -f /tmp/key; cut -d" " -f2 /tmp/key.pub; fi',
  ].join('\n');
  let jobs: Awaited<ReturnType<typeof runJob>>[] = [];
  const counted = await countedDuring(async () => {
    jobs = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(() => runJob(script)));
  });
  const runs = jobs.map(({ output }) => output.trimEnd().split('\n'));
  assert.ok((runs[0]?.length ?? 0) >= 5);
  const all = runs.flat();
  assert.equal(new Set(all).size, all.length);
  // They waited for the one that made it.
  assert.equal((await templates()).length, 1);
  assert.deepEqual(counted, { 'vm_starts_total how="warm",reason=""': 8, templates_made_total: 1 });
});

test('the clocks of clones are right, however old the template is', async () => {
  await runJob('true');
  const before = Date.now();
  const { output } = await runJob('date +%s%3N');
  assert.ok(Number(output) >= before - 50 && Number(output) <= Date.now() + 50, `${output} is not about ${before}`);
});

test('warm=off boots, and makes no template', async () => {
  const counted = await countedDuring(async () => {
    const { facts } = await runJob('true', [...vm, '-vm', 'warm=off']);
    assert.deepEqual(facts, ['cold boot: warm=off']);
  });
  assert.deepEqual(counted, { 'vm_starts_total how="cold",reason="warm=off"': 1 });
  await assert.rejects(templates(), { code: 'ENOENT' });
});

test('a template that was tampered with is not used: the next job makes another', async () => {
  await runJob('true');
  const [dir = ''] = await templates();
  const changes: [RegExp, () => Promise<void>][] = [
    [
      /making a template: .*its state has changed/,
      async () => {
        const state = await readFile(join(dir, 'state'));
        await rm(join(dir, 'state'));
        await writeFile(join(dir, 'state'), state.fill(0, 1000, 1100));
      },
    ],
    [/making a template: .*its memory has changed/, () => truncate(join(dir, 'ram'), 1024 ** 2)],
  ];
  for (const [reason, change] of changes) {
    await change();
    const { facts } = await runJob('true');
    assert.match(facts[0] ?? '', reason);
    assert.match(facts.at(-1) ?? '', /warm start/);
  }
});

test('a template that QEMU cannot load is removed, and the job boots; that is counted, and the doctor warns of it', async () => {
  await runJob('true');
  const [dir = ''] = await templates();
  const file = join(dir, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8'));
  const garbage = Buffer.alloc(1000, 'x');
  await writeFile(join(dir, 'state.new'), garbage);
  await rename(join(dir, 'state.new'), join(dir, 'state'));
  manifest.parts.state = { sha256: sha256(garbage), size: garbage.length };
  await writeFile(file, JSON.stringify(manifest));
  const counted = await countedDuring(async () => {
    const { facts } = await runJob('true');
    assert.match(facts.join('\n'), /^cold boot: Cannot start guest/);
    assert.deepEqual(await templates(), []);
    const after = await runJob('true');
    assert.match(after.facts.join('\n'), /^cold boot: .*tried before/);
  });
  assert.deepEqual(counted, {
    'vm_starts_total how="fallback",reason="E_VM_START"': 1,
    'vm_starts_total how="fallback",reason="failed-before"': 1,
    'templates_given_up_total reason="E_VM_START"': 1,
  });
  const { stdout } = await cluster.run(['vtorque', 'doctor', '--role', 'node', '--json']);
  const { findings } = JSON.parse(stdout) as { findings: { check: string; severity: string; text: string }[] };
  const finding = findings.find(({ check }) => check === 'warm starts');
  assert.equal(finding?.severity, 'warning');
  assert.match(finding?.text ?? '', /\d+ fall-backs \(.*\d E_VM_START.*\), since .*; the last fall-back on /);
});

test('where no template can be kept the job boots', async () => {
  await writeFile(store, '');
  const { facts } = await runJob('true');
  assert.match(facts.join('\n'), /^cold boot: .*templates/);
});

test('a maker that is killed leaves nothing that is used, and the next job makes the template', async () => {
  for (const wait of [0, 200, 800, 1500]) {
    await rm(store, { recursive: true, force: true });
    const id = await submit('#!/bin/sh\ntrue\n', vm);
    await aDraft();
    await delay(wait);
    const [{ pid }] = await processesOf(cluster.user, /^start launch$/);
    process.kill(pid, 'SIGKILL');
    await cluster.wait(id);
    await cluster.expectIdle();
    const { facts } = await runJob('true');
    assert.match(facts.at(-1) ?? '', /warm start/);
    assert.deepEqual(
      (await readdir(store)).filter((name) => name.startsWith('.new-')),
      [],
    );
  }
});

test('where the site says so the first job boots, and its template is made beside it', async () => {
  const beside = '[vm]\nwarm = "beside"\n';
  const madeMeanwhile = `until ls ${store}/*/manifest.json > /dev/null 2>&1; do sleep 0.2; done`;
  const { facts } = await runJob(madeMeanwhile, vm, beside);
  assert.match(
    facts.join('\n'),
    /^cold boot: there is no template yet\nmaking a template: none is there yet\ntemplate made beside the job in [\d.]+ s$/,
  );
  assert.match((await runJob('true', vm, beside)).facts.join('\n'), /^warm start/);
});

test('a template that is being made beside a job ends with it', async () => {
  const { facts } = await runJob('true', vm, '[vm]\nwarm = "beside"\n');
  assert.equal(facts[0], 'cold boot: there is no template yet');
  await cluster.expectIdle();
});
