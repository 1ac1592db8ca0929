import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VtorqueError } from '../base/index.ts';
import { installRoot } from '../site/index.ts';
import { findEngine } from './find.ts';

/** A directory for PATH entries, and an environment in which no embedded batch system runs. */
function aMachine() {
  const dir = mkdtempSync(join(tmpdir(), 'vtt-engine-'));
  const env = (...path: string[]) => ({ PATH: path.join(':'), VTORQUE_LOCAL: join(dir, 'no-instance') });
  return { dir, env, [Symbol.dispose]: () => rmSync(dir, { recursive: true }) };
}

const noBatchSystem = (error: unknown): boolean => error instanceof VtorqueError && error.code === 'E_NO_BATCH_SYSTEM';

function withQsub(directory: string, text: string, mode = 0o755): string {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'qsub'), text, { mode });
  return directory;
}

test('findEngine() takes the first qsub on PATH that can be executed, and any foreign one for Torque', async () => {
  using machine = aMachine();
  const first = withQsub(join(machine.dir, 'a'), '', 0o644);
  const second = withQsub(join(machine.dir, 'b'), '#!/bin/sh\n');
  const directory = join(machine.dir, 'c');
  mkdirSync(join(directory, 'qsub'), { recursive: true });
  const engine = await findEngine(machine.env(first, 'relative', directory, second));
  assert.equal(engine.name, 'torque');
  assert.equal(engine.qsub, join(second, 'qsub'));
});

test('findEngine() takes a qsub in the directory that the configuration of OpenPBS names for OpenPBS', async () => {
  using machine = aMachine();
  const pbs = withQsub(join(machine.dir, 'pbs-23/bin'), '\x7fELF');
  symlinkSync(join(machine.dir, 'pbs-23'), join(machine.dir, 'pbs'));
  const conf = join(machine.dir, 'pbs.conf');
  writeFileSync(conf, `PBS_SERVER=head\nPBS_EXEC=${join(machine.dir, 'pbs')}\n`);
  assert.equal((await findEngine({ ...machine.env(pbs), PBS_CONF_FILE: conf })).name, 'openpbs');
  const other = withQsub(join(machine.dir, 'pbs-23x'), '\x7fELF');
  assert.equal((await findEngine({ ...machine.env(other, pbs), PBS_CONF_FILE: conf })).name, 'torque');
});

test('findEngine() finds OpenPBS by its configuration where PATH has no qsub, as in its hooks', async () => {
  using machine = aMachine();
  withQsub(join(machine.dir, 'pbs/bin'), '\x7fELF');
  const conf = join(machine.dir, 'pbs.conf');
  writeFileSync(conf, `PBS_EXEC="${join(machine.dir, 'pbs')}"\n`);
  const env = { ...machine.env(), PBS_CONF_FILE: conf };
  const { name, qsub } = await findEngine(env);
  assert.deepEqual([name, qsub], ['openpbs', join(machine.dir, 'pbs/bin/qsub')]);
  await assert.rejects(findEngine(env, 'torque'), noBatchSystem);
  writeFileSync(conf, 'PBS_SERVER=head\nPBS_EXEC=/nowhere\n');
  await assert.rejects(findEngine(env), noBatchSystem);
});

test('findEngine() knows Slurm by its qsub in Perl, and by its sbatch and configuration', async () => {
  using machine = aMachine();
  const wrapper = withQsub(join(machine.dir, 'wrapper'), '#!/usr/bin/perl\nuse strict;\n');
  assert.equal((await findEngine(machine.env(wrapper))).name, 'slurm');
  writeFileSync(join(machine.dir, 'sbatch'), '', { mode: 0o755 });
  await assert.rejects(findEngine(machine.env(machine.dir)), noBatchSystem);
  assert.equal((await findEngine({ ...machine.env(machine.dir), SLURM_CONF: '/slurm.conf' })).name, 'slurm');
  const torque = withQsub(join(machine.dir, 'torque'), '#!/bin/sh\n');
  assert.equal((await findEngine(machine.env(machine.dir, torque))).name, 'torque');
});

test('findEngine() obeys the configuration', async () => {
  using machine = aMachine();
  const torque = withQsub(join(machine.dir, 'torque'), '#!/bin/sh\n');
  assert.equal((await findEngine(machine.env(torque), 'openpbs')).name, 'openpbs');
  const embedded = await findEngine(machine.env(torque), 'embedded');
  assert.deepEqual([embedded.name, embedded.qsub], ['embedded', join(installRoot, 'libexec/pbs/qsub')]);
  assert.equal((await findEngine(machine.env(torque), 'slurm')).name, 'slurm');
  await assert.rejects(findEngine(machine.env(), 'torque'), noBatchSystem);
});

test('findEngine() never takes a qsub that leads back to vsub', async () => {
  using machine = aMachine();
  symlinkSync(join(installRoot, 'bin/vsub'), join(machine.dir, 'qsub'));
  await assert.rejects(findEngine(machine.env(machine.dir)), noBatchSystem);
});

test('findEngine() takes our own qsub for the embedded batch system, which says so when it does not run', async () => {
  using machine = aMachine();
  const engine = await findEngine(machine.env(join(installRoot, 'libexec/pbs')));
  assert.equal(engine.name, 'embedded');
  await assert.rejects(engine.nodes(), noBatchSystem);
});

test('findEngine() names the remedy when there is no batch system', async () => {
  using machine = aMachine();
  await assert.rejects(findEngine(machine.env()), (error: unknown) => {
    return noBatchSystem(error) && (error as VtorqueError).hint?.includes('vtorque local start') === true;
  });
});
