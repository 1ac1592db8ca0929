import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openpbsHook } from '../../install/hooks/openpbs.ts';
import { torqueHooks } from '../../install/hooks/torque.ts';
import { alarmOf, filesOf, openPbsCopy, slurmHooks } from './hooks.ts';

/** Torque's directory with what the installer would put there. */
async function aTorque() {
  const home = await mkdtemp(join(tmpdir(), 'vtt-torque-'));
  const directory = join(home, 'mom_priv');
  await mkdir(directory);
  return {
    directory,
    install: async () => {
      for (const step of torqueHooks(home, '/opt/vtorque/current', undefined)) {
        if (step.kind === 'hook') await writeFile(step.path, step.content, { mode: 0o755 });
      }
    },
    look: async () => (await filesOf(directory, 'install')).map(({ severity, text }) => `${severity} ${text}`),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true }),
  };
}

test('hooks that are not there are a warning, which says what that means', async () => {
  await using torque = await aTorque();
  const [line, precancel, ...others] = await torque.look();
  assert.match(line ?? '', /^warning not installed .*: prologue, .*epilogue.parallel; jobs in VMs run without them/);
  assert.match(precancel ?? '', /^warning epilogue.precancel is not installed .*: the disk of a job that qdel ends/);
  assert.deepEqual(others, []);
});

test('hooks as the installer writes them are fine', async () => {
  await using torque = await aTorque();
  await torque.install();
  const [line, precancel, ...others] = await torque.look();
  assert.equal(line, `ok ours are in "${torque.directory}"`);
  assert.match(precancel ?? '', /^ok epilogue.precancel is ours/);
  assert.deepEqual(others, []);
});

test('epilogue.precancel that cannot be run is a warning of its own, and fails no job', async () => {
  await using torque = await aTorque();
  await torque.install();
  await chmod(join(torque.directory, 'epilogue.precancel'), 0o644);
  const [line, precancel] = await torque.look();
  assert.equal(line, `ok ours are in "${torque.directory}"`);
  assert.match(precancel ?? '', /^warning epilogue.precancel may not be run in/);
});

test('a hook of the site alone is not ours', async () => {
  await using torque = await aTorque();
  await torque.install();
  await writeFile(join(torque.directory, 'epilogue'), '#!/bin/sh\n', { mode: 0o755 });
  assert.match((await torque.look())[0] ?? '', /^warning not installed in ".*": epilogue; /);
});

test('a hook that cannot be executed, or that others may write, is an error', async () => {
  await using torque = await aTorque();
  await torque.install();
  await chmod(join(torque.directory, 'prologue'), 0o644);
  await chmod(join(torque.directory, 'epilogue'), 0o775);
  assert.match(
    (await torque.look()).join(),
    /^error in ".*" the batch system runs these not, .*: prologue, epilogue,ok epilogue.precancel /,
  );
});

test('the alarm of Torque is what it says less 10 s, and has to be longer than our hooks may take', () => {
  const said = (config: string): string => {
    const { severity, text } = alarmOf(config);
    return `${severity} ${/hooks have (\d+) s/.exec(text)?.[1]}`;
  };
  assert.equal(said(''), 'ok 290');
  assert.equal(said('$pbsserver head\n $prologalarm 60\n'), 'ok 50');
  assert.equal(said('$prologalarm 55'), 'warning 45');
  assert.equal(said('$prologalarm 10'), 'warning 10');
  assert.equal(said('#$prologalarm 10'), 'ok 290');
});

const shown = `Configuration data as of 2026-01-01T00:00:00
Epilog                  = /opt/vtorque/current/libexec/slurm/epilog
HealthCheckInterval     = 300 sec
HealthCheckProgram      = /opt/vtorque/current/libexec/slurm/healthcheck
Prolog                  = /opt/vtorque/current/libexec/slurm/prolog
PrologFlags             = Alloc,DeferBatch
`;
const slurm = async (text: string, runs: () => Promise<void> = async () => {}) =>
  (await slurmHooks(text, runs)).map((each) => `${each.severity} ${each.text}`);

test('what Slurm shows of its hooks is read in the forms of its versions', async () => {
  const fine = ['ok Prolog and Epilog are those of "/opt/vtorque/current"'];
  assert.deepEqual(await slurm(shown), fine);
  assert.deepEqual(await slurm(shown.replace('Prolog   ', 'Prolog[0]').replace('Epilog   ', 'Epilog[0]')), fine);
});

test('hooks that Slurm lacks are warnings', async () => {
  assert.match((await slurm(shown.replace(/Prolog .*/, 'Prolog = (null)')))[0] ?? '', /^warning not installed/);
  assert.deepEqual(await slurm(shown.replace('Alloc,', '')), ['warning slurm.conf lacks PrologFlags=Alloc,DeferBatch']);
  assert.match(
    (await slurm(shown, () => Promise.reject(new Error())))[0] ?? '',
    /^warning ".*vtorque-hook" cannot be run/,
  );
});

test('a node that has the hook of OpenPBS but not its program has a warning', async () => {
  const home = await mkdtemp(join(tmpdir(), 'vtt-openpbs-'));
  const copy = join(home, 'vtorque.PY');
  assert.equal(await openPbsCopy(copy), undefined);
  const [hook] = openpbsHook('/any', home);
  await writeFile(copy, hook?.kind === 'file' ? hook.content : assert.fail());
  assert.match((await openPbsCopy(copy))?.text ?? '', /^".*\/libexec\/vtorque-hook" cannot be run on this machine/);
  await mkdir(join(home, 'libexec'));
  await writeFile(join(home, 'libexec/vtorque-hook'), '#!/bin/sh\n', { mode: 0o755 });
  assert.equal((await openPbsCopy(copy))?.text, 'this node has ours from the server');
  await rm(home, { recursive: true });
});
