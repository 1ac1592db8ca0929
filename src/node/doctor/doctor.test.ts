import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { examine, type Finding } from './index.ts';

/** A machine without anything: no batch system, no guest kernel, no images. */
async function anEmptyMachine() {
  const dir = await mkdtemp(join(tmpdir(), 'vtt-doctor-'));
  const place = { data: join(dir, 'data'), cache: join(dir, 'cache'), state: join(dir, 'state') };
  const deps = {
    env: {
      PATH: join(dir, 'bin'),
      VTORQUE_LOCAL: join(dir, 'none'),
      VTORQUE_CONFIG: join(dir, 'config.toml'),
      HOME: dir,
    },
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    places: [place],
    torqueHome: join(dir, 'torque'),
  };
  return { dir, deps, place, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

const of = (findings: readonly Finding[], check: string) => findings.filter((finding) => finding.check === check);

test('a machine without anything has errors, and each says what to do', async () => {
  await using machine = await anEmptyMachine();
  const findings = await examine(['head', 'node'], machine.deps);
  for (const check of ['batch system', 'qemu', 'guest kernel', 'accelerator']) {
    assert.deepEqual(
      of(findings, check).map(({ severity }) => severity),
      ['error'],
      check,
    );
  }
  for (const { check, severity, remedy } of findings) assert.equal(severity === 'ok', remedy === undefined, check);
});

test('a head is not asked for what only nodes need', async () => {
  await using machine = await anEmptyMachine();
  const checks = new Set((await examine(['head'], machine.deps)).map(({ check }) => check));
  assert.ok(checks.has('batch system') && !checks.has('qemu') && !checks.has('accelerator'));
});

test('an image that others may write, and one that is none, are errors', async () => {
  await using machine = await anEmptyMachine();
  const broken = join(machine.place.data, 'images/broken');
  await mkdir(broken, { recursive: true });
  await writeFile(join(broken, 'manifest.json'), '{');
  const [finding] = of(await examine(['head'], machine.deps), 'images');
  assert.equal(finding?.severity, 'error');
  assert.match(finding?.text ?? '', /broken/);
});

test('a program that answers is told with its version', async () => {
  await using machine = await anEmptyMachine();
  const bin = join(machine.dir, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'qemu-system-x86_64'), '#!/bin/sh\necho QEMU emulator version 7.2\n');
  await chmod(join(bin, 'qemu-system-x86_64'), 0o755);
  assert.deepEqual(of(await examine(['node'], machine.deps), 'qemu'), [
    { check: 'qemu', severity: 'ok', text: 'QEMU emulator version 7.2' },
  ]);
});

test('a node of Torque from which the server cannot be asked runs jobs all the same', async () => {
  await using machine = await anEmptyMachine();
  const programs = { 'bin/qsub': '', 'bin/pbsnodes': 'exit 1', 'bin/qstat': 'exit 1', 'sbin/momctl': 'exit 1' };
  for (const directory of ['bin', 'sbin']) await mkdir(join(machine.dir, directory));
  for (const [name, body] of Object.entries(programs)) {
    await writeFile(join(machine.dir, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }
  const severity = async (uid: number) =>
    of(await examine(['node'], { ...machine.deps, uid }), 'batch system').map((each) => each.severity);
  assert.deepEqual([await severity(0), await severity(1000)], [['error'], ['error']]);
  // To an ordinary user no pbs_mom answers.
  await mkdir(join(machine.dir, 'torque/mom_priv'), { recursive: true });
  await writeFile(join(machine.dir, 'torque/mom_priv/mom.lock'), '');
  assert.deepEqual([await severity(0), await severity(1000)], [['error'], ['warning']]);
  await writeFile(join(machine.dir, 'sbin/momctl'), "#!/bin/sh\necho 'diagnostics complete'\n");
  assert.deepEqual(await severity(0), ['warning']);
});

test('a server that hides the jobs of others from root of this node is a warning, which says what to set', async () => {
  await using machine = await anEmptyMachine();
  await mkdir(join(machine.dir, 'bin'));
  const look = async (...lines: readonly string[]) => {
    const answer = ['Server: head.elsewhere', ...lines].map((line) => `echo '${line}'`).join('\n');
    for (const [name, body] of Object.entries({ qsub: '', qstat: answer })) {
      await writeFile(join(machine.dir, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    }
    return of(await examine(['node'], machine.deps), 'jobs of others');
  };
  const [hidden, ...others] = await look();
  assert.deepEqual(others, []);
  assert.equal(hidden?.severity, 'warning');
  assert.match(hidden?.text ?? '', /query_other_jobs is not set\): vtorque reap has to ask pbs_mom/);
  assert.match(hidden?.remedy ?? '', /qmgr -c 'set server query_other_jobs = True'$/);
  assert.deepEqual(
    (await look('    query_other_jobs = True')).map(({ severity }) => severity),
    ['ok'],
  );
  await rm(join(machine.dir, 'bin'), { recursive: true });
  assert.deepEqual(of(await examine(['node'], machine.deps), 'jobs of others'), []);
});

test('without slirp4netns VMs have no way out of their job, and that is said', async () => {
  await using machine = await anEmptyMachine();
  const [finding] = of(await examine(['node'], machine.deps), 'outbound');
  assert.equal(finding?.severity, 'warning');
  assert.match(finding?.text ?? '', /slirp4netns does not run/);
});

test('whether ordinary users can make the networks of jobs is tried out', async () => {
  await using machine = await anEmptyMachine();
  const [finding, ...others] = of(await examine(['node'], machine.deps), 'job networks');
  assert.deepEqual(others, []);
  if (finding?.severity === 'ok') assert.equal(finding.text, 'ordinary users can make them');
  else assert.match(finding?.text ?? '', /^Cannot set up the job's network: /);
});

test("the site's hooks for guests are named, and what would fail every job is an error", async () => {
  await using machine = await anEmptyMachine();
  const deps = { ...machine.deps, uid: machine.deps.uid || 1000 };
  const look = async () => of(await examine(['node'], deps), 'hooks in guests');
  assert.deepEqual(await look(), []);
  const hooks = join(machine.dir, 'guest.d');
  await writeFile(deps.env.VTORQUE_CONFIG, `[guests]\nhooks = "${hooks}"\n`);
  assert.match((await look())[0]?.text ?? '', /there is no such directory$/);
  await mkdir(hooks);
  await writeFile(join(hooks, 'prologue'), '#!/bin/sh\n', { mode: 0o755 });
  const [found] = await look();
  assert.deepEqual([found?.severity, found?.text], ['ok', `${hooks}: prologue`]);
});

test('room is looked at where guests write, and where a directory will be that is not made yet', async () => {
  await using machine = await anEmptyMachine();
  const scratch = join(machine.dir, 'scratch');
  await mkdir(scratch);
  await writeFile(machine.deps.env.VTORQUE_CONFIG, `[storage]\nscratch = "${scratch}"\n`);
  const deps = { ...machine.deps, uid: machine.deps.uid || 1000 };
  const found = of(await examine(['node'], deps), 'disk space').map(({ text }) => text.split(' ')[0]);
  assert.deepEqual(found.sort(), ['/tmp', machine.dir, scratch].sort());
});
