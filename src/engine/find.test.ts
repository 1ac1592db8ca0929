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

test('findEngine() takes the first qsub on PATH that can be executed, and knows no nodes of a foreign one', async () => {
  using machine = aMachine();
  const [first, second] = ['a', 'b'].map((name) => join(machine.dir, name)) as [string, string];
  for (const directory of [first, second]) mkdirSync(directory);
  writeFileSync(join(first, 'qsub'), '', { mode: 0o644 });
  writeFileSync(join(second, 'qsub'), '#!/bin/sh\n', { mode: 0o755 });
  const engine = await findEngine(machine.env(first, 'relative', second));
  assert.equal(engine.name, 'pbs');
  assert.equal(engine.qsub, join(second, 'qsub'));
  assert.equal(await engine.nodes(), undefined);
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
