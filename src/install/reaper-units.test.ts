import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { type ReaperOptions, reaperUnits } from './reaper-units.ts';

const options: ReaperOptions = {
  ...{
    current: '/opt/vtorque/current',
    engine: 'slurm',
    commands: '/opt/slurm/bin',
    environment: {},
    systemctl: false,
  },
};
const service = (more: Partial<ReaperOptions> = {}): string => {
  const [unit] = reaperUnits({ ...options, ...more });
  return unit?.kind === 'file' ? unit.content : assert.fail('the unit is a file');
};

test('the unit of the reaper has the commands of the batch system on PATH where they are at no usual place', () => {
  assert.match(service(), /^Environment=PATH=\/usr\/local\/sbin:.*:\/usr\/bin:\/opt\/slurm\/bin$/m);
  assert.doesNotMatch(service({ commands: '/usr/bin' }), /PATH/);
  assert.doesNotMatch(service({ commands: undefined }), /PATH/);
  assert.match(service({ environment: { SLURM_CONF: '/etc/s.conf' } }), /^Environment=SLURM_CONF=\/etc\/s.conf$/m);
  assert.match(service(), /^ExecStart=\/opt\/vtorque\/current\/bin\/vtorque reap --engine slurm$/m);
});

test('where systemd runs, the timer is switched on, and switched off before the units go', () => {
  const kinds = (systemctl: boolean) => reaperUnits({ ...options, systemctl }).map(({ kind }) => kind);
  assert.deepEqual(kinds(false), ['file', 'file']);
  assert.deepEqual(kinds(true), ['commands', 'file', 'file', 'commands']);
});

const systemd = spawnSync('systemd-analyze', ['--version']).status === 0;

test('systemd has nothing to say against the units', { skip: systemd ? false : 'no systemd-analyze here' }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'vtt-units-'));
  try {
    for (const [at, name] of ['current', 'two words 100%', `it's "a" $b\\c`].entries()) {
      const current = join(dir, name);
      mkdirSync(join(current, 'bin'), { recursive: true });
      writeFileSync(join(current, 'bin/vtorque'), '#!/bin/sh\n', { mode: 0o755 });
      const units = join(dir, String(at));
      mkdirSync(units);
      const environment = { SLURM_CONF: '/etc/"my" slurm.conf' };
      const files = reaperUnits({ ...options, current, commands: '/opt/100% slurm/bin', environment }).flatMap(
        (step) => {
          if (step.kind !== 'file') return [];
          const file = join(units, basename(step.path));
          writeFileSync(file, step.content);
          return [file];
        },
      );
      const { stdout, stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], {
        encoding: 'utf8',
      });
      // A line that it ignores is told, and is no error.
      assert.deepEqual([stdout, stderr, status], ['', '', 0]);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
