import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { commandsOfDaemon } from './daemon-commands.ts';

let dir: string;
let umask: number;
before(() => {
  umask = process.umask(0o022);
  dir = mkdtempSync(join(tmpdir(), 'vtt-daemon-'));
  aSlurm('opt/slurm', 'slurmd');
});
after(() => {
  process.umask(umask);
  rmSync(dir, { recursive: true });
});

function aSlurm(prefix: string, daemon: string): void {
  for (const file of [`sbin/${daemon}`, 'bin/scontrol']) {
    mkdirSync(dirname(join(dir, prefix, file)), { recursive: true });
    writeFileSync(join(dir, prefix, file), '', { mode: 0o755 });
  }
}

/** Processes, each the child of the one before, the first one of process 1. */
function lookedAt(programs: readonly string[]): string | undefined {
  const proc = mkdtempSync(join(dir, 'proc-'));
  for (const [at, program] of programs.entries()) {
    const pid = 100 + at;
    mkdirSync(join(proc, String(pid)));
    writeFileSync(join(proc, String(pid), 'stat'), `${pid} (a) b) S ${at === 0 ? 1 : pid - 1} 0 0\n`);
    symlinkSync(program, join(proc, String(pid), 'exe'));
  }
  return commandsOfDaemon({ pid: 99 + programs.length, proc, root: process.getuid?.() ?? 0 });
}
const under = (path: string): string => join(dir, path);

test('the commands of Slurm are beside the daemon that has started a hook, also through scripts of the site', () => {
  const slurmd = under('opt/slurm/sbin/slurmd');
  assert.equal(lookedAt([slurmd, '/usr/bin/node']), under('opt/slurm/bin'));
  assert.equal(lookedAt([slurmd, '/bin/dash', '/bin/bash', '/usr/bin/node']), under('opt/slurm/bin'));
  assert.equal(lookedAt([`${slurmd} (deleted)`, '/usr/bin/node']), under('opt/slurm/bin'));
  aSlurm('flat', '../bin/slurmd');
  assert.equal(lookedAt([under('flat/bin/slurmd'), '/usr/bin/node']), under('flat/bin'));
  aSlurm('usr', 'slurmd-wlm');
  assert.equal(lookedAt([under('usr/sbin/slurmd-wlm'), '/usr/bin/node']), under('usr/bin'));
});

test('without a daemon above, or without commands beside it, there are none', () => {
  assert.equal(lookedAt(['/usr/bin/bash', '/usr/bin/node']), undefined);
  assert.equal(lookedAt([under('opt/slurm/sbin/slurmdbd'), '/usr/bin/node']), undefined);
  assert.equal(lookedAt([under('opt/none/sbin/slurmd'), '/usr/bin/node']), undefined);
  // The process itself is not above.
  assert.equal(lookedAt([under('opt/slurm/sbin/slurmd')]), undefined);
});

test('commands that others may change are not used', () => {
  for (const path of ['sbin/slurmd', 'sbin', 'bin', 'bin/scontrol']) {
    aSlurm('shared', 'slurmd');
    const daemon = under('shared/sbin/slurmd');
    assert.equal(lookedAt([daemon, '/usr/bin/node']), under('shared/bin'));
    for (const mode of [0o775, 0o757]) {
      chmodSync(under(`shared/${path}`), mode);
      assert.equal(lookedAt([daemon, '/usr/bin/node']), undefined, `${path} ${mode.toString(8)}`);
    }
    chmodSync(under(`shared/${path}`), 0o755);
  }
  const notRoots = commandsOfDaemon({ pid: process.pid, root: -1 });
  assert.equal(notRoots, undefined);
});
