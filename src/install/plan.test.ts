import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { type PlanOptions, planInstall } from './plan.ts';

const file = (path: string) => ({ path, from: `/src/${path}`, sha256: '', executable: true });

function planFor(options: Partial<PlanOptions>) {
  const release = { name: '1.0.0-abc', files: [file('bin/vsub'), file('libexec/vtorque-hook')] };
  const { steps, notes } = planInstall({
    ...{
      release,
      role: 'all',
      engine: 'torque',
      prefix: '/opt/vtorque',
      torqueHome: '/var/spool/torque',
      torqueCommands: '/opt/torque 6/bin',
      slurmCommands: '/opt/slurm/bin',
      slurmConf: undefined,
      asRoot: true,
    },
    ...{ shared: false, systemctl: true, qmgr: true },
    ...options,
  });
  return { paths: steps.map(({ path }) => path), notes, steps };
}

const version = ['/opt/vtorque/1.0.0-abc', '/opt/vtorque/current'];
const units = ['/etc/systemd/system/vtorque-reap.service', '/etc/systemd/system/vtorque-reap.timer'];
const moms = ['prologue', 'prologue.parallel', 'epilogue', 'epilogue.parallel', 'epilogue.precancel'].map(
  (event) => `/var/spool/torque/mom_priv/${event}`,
);

test('the head of a Torque cluster gets the version and the commands, its nodes the hooks and the timer', () => {
  assert.deepEqual(planFor({ role: 'head' }).paths, [...version, '/etc/profile.d/vtorque.sh']);
  const onNode = [...moms, 'systemd', ...units, 'systemd timer vtorque-reap'];
  assert.deepEqual(planFor({ role: 'node', shared: true }).paths, onNode);
  assert.deepEqual(planFor({ role: 'node' }).paths, [...version, ...onNode]);
});

test('the login shells of a head have the commands on PATH once, wherever they are', () => {
  const { steps } = planFor({ role: 'head', prefix: "/opt/it's v (1)" });
  const profile = steps.flatMap((step) =>
    step.path === '/etc/profile.d/vtorque.sh' && 'content' in step ? step.content : [],
  );
  const script = `PATH=/bin; ${profile.join('')}${profile.join('')}echo "$PATH"`;
  assert.equal(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }), "/bin:/opt/it's v (1)/current/bin\n");
});

test('what clears up after jobs of Torque finds its commands, wherever they are', () => {
  const texts = (steps: ReturnType<typeof planFor>['steps']) =>
    steps.map((step) => ('content' in step ? step.content : ''));
  const { steps, notes } = planFor({ role: 'node' });
  const known = texts(steps).filter((text) => text.includes('/opt/torque 6/bin'));
  assert.deepEqual([known.length, notes], [6, []]);
  const lost = planFor({ role: 'node', torqueCommands: undefined });
  assert.doesNotMatch(texts(lost.steps).join(''), /PATH/);
  assert.match(lost.notes.join(), /commands of Torque on PATH/);
});

test('what clears up after jobs of Slurm finds its commands and its configuration, wherever they are', () => {
  const { steps } = planFor({ role: 'node', engine: 'slurm', slurmConf: '/opt/slurm/etc/slurm.conf' });
  const text = steps.map((step) => ('content' in step ? step.content : '')).join('');
  assert.match(
    text,
    /^Environment=PATH=\S*:\/opt\/slurm\/bin\nEnvironment=SLURM_CONF=\/opt\/slurm\/etc\/slurm.conf\n/m,
  );
});

test('OpenPBS gets its hook where the server is; without qmgr its commands are told', () => {
  const head = planFor({ role: 'head', engine: 'openpbs' });
  assert.deepEqual(head.paths.slice(-2), ['/opt/vtorque/openpbs-hook.py', 'qmgr hook vtorque']);
  const away = planFor({ role: 'head', engine: 'openpbs', qmgr: false });
  assert.deepEqual(away.paths.slice(-1), ['/opt/vtorque/openpbs-hook.py']);
  assert.ok(away.notes.some((note) => note.includes("qmgr -c 'create hook vtorque'")));
});

test('an ordinary user gets the version and nothing of the machine', () => {
  const { paths, notes } = planFor({ asRoot: false });
  assert.deepEqual(paths, version);
  assert.equal(notes.length, 2);
});

test('a version without hooks installs none, and says so', () => {
  const { paths, notes } = planFor({ release: { name: '1.0.0-abc', files: [file('bin/vsub')] } });
  assert.deepEqual(paths, [...version, '/etc/profile.d/vtorque.sh']);
  assert.match(notes.join(), /no hooks/);
});
