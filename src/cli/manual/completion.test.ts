import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { qsubOptions } from '../../pbs/index.ts';
import { availableKeys } from '../../request/index.ts';
import { installRoot } from '../../site/index.ts';

const home = mkdtempSync(join(tmpdir(), 'vtt-completion-'));
after(() => rmSync(home, { recursive: true, force: true }));

const pool = join(home, 'images');
mkdirSync(join(pool, 'my-image'), { recursive: true });
writeFileSync(join(pool, 'my-image/manifest.json'), '{}');
mkdirSync(join(pool, 'no image; id'), { recursive: true });
writeFileSync(join(pool, 'no image; id/manifest.json'), '{}');
writeFileSync(
  join(home, 'config.toml'),
  '[policy]\n[queues.big.policy]\n[queues."long".defaults]\n[queues.big.defaults]\n',
);

/**
 * What a bash offers after `line`, with the cursor at its end. The words are those that bash
 * makes of the line for Tab: it breaks at the characters of COMP_WORDBREAKS.
 */
function offered(line: string): string[] {
  const words = [...line.matchAll(/[=:]+|[^\s=:]+/g)].map(([word]) => word);
  if (/\s$/.test(line)) words.push('');
  const script = `
    set -u
    source "$1"
    # As root there are no other places than these.
    _vtorque_system_pool=$HOME/images _vtorque_config=$HOME/config.toml
    COMP_LINE=$2 COMP_POINT=\${#2}; shift 2
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    function_of=$(complete -p "$1"); function_of=\${function_of#*-F }
    "\${function_of%% *}" "$1"
    ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const file = join(installRoot, 'completions/vtorque.bash');
  const env = { PATH: process.env.PATH, HOME: home };
  const text = execFileSync('bash', ['--norc', '-c', script, 'bash', file, line, ...words], {
    ...{ encoding: 'utf8', env, timeout: 60_000, stdio: ['ignore', 'pipe', 'inherit'] },
  } as const);
  return text.split('\n').filter((word) => word !== '');
}

test('vsub offers every option of qsub and its own', () => {
  const options = offered('vsub -');
  for (const { letter } of qsubOptions) assert.ok(options.includes(`-${letter}`), letter);
  assert.deepEqual(offered('vsub --e'), ['--explain']);
});

test('keys of -vm are offered, also behind a comma', () => {
  assert.deepEqual(
    offered('vsub -vm '),
    availableKeys.map(({ name }) => `${name}=`),
  );
  assert.deepEqual(offered('vsub -N x -vm i'), ['img=']);
  assert.deepEqual(offered('vsub -vm img=host,vcpus'), ['host,vcpus=']);
  assert.deepEqual(offered('vsub -vm mount=/a:/b,ra'), ['/b,ram=']);
});

test('values of a key are offered where they are words that are known', () => {
  assert.deepEqual(offered('vsub -vm net='), ['user', 'job', 'none', 'bridge']);
  assert.deepEqual(offered('vsub -vm img=host,net=n'), ['none']);
  assert.deepEqual(offered('vsub -vm cpu=EPYC-R'), ['EPYC-Rome']);
  assert.deepEqual(offered('vsub -vm ram='), []);
});

test('the value of another option is no request', () => {
  assert.deepEqual(offered('vsub -N -vm i'), []);
});

test('values of options that qsub knows by words are offered', () => {
  assert.deepEqual(offered('vsub -j '), ['oe', 'eo', 'n']);
});

test('images of the pools are offered, and nothing else that lies there', () => {
  assert.deepEqual(offered('vsub -vm img=my'), ['my-image']);
  assert.deepEqual(offered('vsub -vm img=no'), []);
  assert.deepEqual(offered('vtorque image verify m'), ['my-image']);
  assert.deepEqual(offered('vmgr delete image my'), ['my-image']);
});

test('the guest that is always there is offered', () => {
  assert.deepEqual(offered('vsub -vm img=ho'), ['host']);
});

test("queues are those of the site's configuration", () => {
  assert.deepEqual(offered('vsub -q '), ['big', 'long']);
  assert.deepEqual(offered('vtorque config show --queue b'), ['big']);
});

test('vtorque and vmgr offer their subcommands, and the options of each', () => {
  assert.deepEqual(offered('vtorque lo'), ['local']);
  assert.deepEqual(offered('vtorque local st'), ['start', 'stop', 'status']);
  assert.deepEqual(offered('vtorque local start --n'), ['--nodes', '--np']);
  assert.deepEqual(offered('vtorque local start --nodes 2 --js'), ['--json']);
  assert.deepEqual(offered('vmgr show image'), ['images', 'image']);
  assert.deepEqual(offered('vmgr delete image --f'), ['--force']);
  assert.deepEqual(offered('vtorque image build d'), ['debian-12']);
});
