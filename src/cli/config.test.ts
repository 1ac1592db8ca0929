import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { installRoot } from '../site/index.ts';

const work = mkdtempSync(join(tmpdir(), 'vtorque-config-test-'));
after(() => rmSync(work, { recursive: true, force: true }));

function vtorque(...args: string[]) {
  const { stdout, stderr, status } = spawnSync(join(installRoot, 'bin/vtorque'), ['config', ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { stdout, stderr, status };
}

function aFile(name: string, ...lines: string[]): string {
  const path = join(work, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

test('config check prints each mistake with its place, reason and remedy, and ends with 1', () => {
  const file = aFile('bad.toml', '[policy]', 'max_vcpu = 4', '', '[iocm]', 'enabled = true');
  assert.deepEqual(vtorque('check', file), {
    stdout: [
      `${file}:2: error: policy.max_vcpu: there is no such key`,
      '  hint: Did you mean policy.max_vcpus?',
      `${file}:5: note: iocm.enabled: without effect in this version`,
      '  hint: It may stay: a later version will use it',
      `${file}: 1 error`,
      '',
    ].join('\n'),
    stderr: '',
    status: 1,
  });
  const { problems, errors } = JSON.parse(vtorque('check', '--json', file).stdout);
  assert.deepEqual([errors, problems.length, problems[0].line, problems[0].key], [1, 2, 2, 'policy.max_vcpu']);
});

test('config check finds defaults that the policy refuses', () => {
  const file = aFile('against.toml', '[policy]', 'max_vcpus = 2', '[defaults]', 'vcpus = 4');
  const { stdout, status } = vtorque('check', file);
  assert.match(stdout, /against.toml:4: error: defaults.vcpus: "4" is refused: more than policy.max_vcpus, 2\n/);
  assert.equal(status, 1);
});

test('config check takes a good file, and says what is no TOML or not there', () => {
  const good = aFile('good.toml', '[defaults]', 'ram = "2G"');
  assert.deepEqual(vtorque('check', good), { stdout: `${good}: no errors\n`, stderr: '', status: 0 });
  const broken = vtorque('check', aFile('broken.toml', 'a = '));
  assert.match(broken.stderr, /^vtorque: Cannot read ".*broken.toml": line 1, column \d+: /);
  assert.equal(broken.status, 1);
  assert.equal(vtorque('check', join(work, 'none.toml')).status, 1);
});

test('config import prints a file that config check takes, and runs nothing of the old one', () => {
  const trace = join(work, 'ran');
  const old = aFile('config.sh', 'RAM_DEFAULT=4096', `VM_IMG_DIR=$(touch ${trace}; echo /x)`, `touch ${trace}`);
  const { stdout, stderr, status } = vtorque('import', old);
  assert.match(stdout, /\n\[defaults\]\nram = "4096M"\n$/);
  assert.match(stderr, /config.sh:2: VM_IMG_DIR: only a shell can tell its value/);
  assert.equal(status, 0);
  assert.equal(vtorque('check', aFile('new.toml', stdout)).status, 0);
  assert.equal(spawnSync('test', ['-e', trace]).status, 1);
});

test('config show has every key', () => {
  const { values } = JSON.parse(vtorque('show', '--json').stdout);
  const table = vtorque('show').stdout;
  assert.ok(values.length > 10);
  for (const { key } of values) assert.match(table, new RegExp(`^${key} `, 'm'));
});
