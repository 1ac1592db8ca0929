import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openpbsHook } from './openpbs.ts';

const skip = spawnSync('python3', ['--version'], { timeout: 20_000 }).status === 0 ? false : 'no python3 here';

/** What a hook sees of OpenPBS, with the words that it logs and how it ends printed as JSON. */
const PBS_MODULE = `
import json, sys
EXECJOB_BEGIN, EXECJOB_END, EXECJOB_ABORT, LOG_WARNING = 1, 2, 3, 4
said = {"logged": [], "variables": {}}
def logmsg(level, text): said["logged"].append(text)
class Job:
    id, euser, run_count, Variable_List = "89[3].head", "alice", 2, said["variables"]
    exec_host2 = "n1:15002/0+n2:15002/0"
    def in_ms_mom(self): return sys.argv[2] == "mother"
class Event:
    type, job = {"begin": 1, "end": 2, "abort": 3}[sys.argv[1]], Job()
    def accept(self): self.done("accepted")
    def reject(self, text=""): self.done("rejected")
    def done(self, how): print(json.dumps(dict(said, ended=how))); sys.exit(0)
def event(): return Event()
`;

/** The hook in an installation whose program is this shell script. */
function anInstallation(program: string | undefined) {
  const root = mkdtempSync(join(tmpdir(), 'vtt-hook-'));
  mkdirSync(join(root, 'libexec'));
  if (program !== undefined) {
    writeFileSync(join(root, 'libexec/vtorque-hook'), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  }
  const [file] = openpbsHook(join(root, 'hook.py'), root);
  assert.ok(file?.kind === 'file');
  writeFileSync(file.path, file.content);
  writeFileSync(join(root, 'pbs.py'), PBS_MODULE);
  return {
    root,
    run: (event: string, place: string) => {
      const options = { encoding: 'utf8', timeout: 60_000, env: { PATH: process.env.PATH, PYTHONPATH: root } } as const;
      return JSON.parse(execFileSync('python3', ['-B', file.path, event, place], options)) as {
        logged: string[];
        variables: Record<string, string>;
        ended: string;
      };
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  };
}

test('the hook of OpenPBS hands on the event, the job, its owner, the run and the place', { skip }, () => {
  using hook = anInstallation('for word; do echo "$word"; done >>"$(dirname "$0")/../words"');
  assert.deepEqual(hook.run('begin', 'mother'), {
    logged: [],
    variables: { VTORQUE_ATTEMPT: '2' },
    ended: 'accepted',
  });
  assert.deepEqual(hook.run('end', 'sister'), { logged: [], variables: {}, ended: 'accepted' });
  assert.deepEqual(readFileSync(join(hook.root, 'words'), 'utf8').trim().split('\n'), [
    ...['openpbs', 'execjob_begin', '89[3].head', 'alice', '2', 'mother', 'n1:15002/0+n2:15002/0'],
    ...['openpbs', 'execjob_end', '89[3].head', 'alice', '2', 'sister', 'n1:15002/0+n2:15002/0'],
  ]);
});

test('whatever goes wrong in the hook of OpenPBS is logged, and rejects no job', { skip }, () => {
  using failing = anInstallation('echo "no such user" >&2; exit 3');
  assert.deepEqual(failing.run('begin', 'sister').logged, ['vtorque: no such user']);
  assert.equal(failing.run('abort', 'mother').ended, 'accepted');
  using killed = anInstallation('kill -KILL $$');
  assert.deepEqual(killed.run('end', 'mother'), {
    logged: ['vtorque: ended with -9'],
    variables: {},
    ended: 'accepted',
  });
  using gone = anInstallation(undefined);
  assert.equal(gone.run('begin', 'mother').ended, 'accepted');
});
