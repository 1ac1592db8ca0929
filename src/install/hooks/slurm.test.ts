import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slurmSettings } from './slurm.ts';

const states = (config: string) => slurmSettings(config, '/opt/vtorque/current').map(({ state }) => state);

test('slurm.conf without our lines needs all of them, by the path of "current"', () => {
  assert.deepEqual(states(''), Array(5).fill('missing'));
  assert.equal(slurmSettings('', '/opt/vtorque/current')[0]?.line, 'Prolog=/opt/vtorque/current/libexec/slurm/prolog');
});

test('slurm.conf is read as Slurm reads it: names in any case, comments, several of a name, flags in any order', () => {
  const config = `prolog=/site/prolog
PROLOG = /opt/vtorque/current/libexec/slurm/prolog  # ours
#Epilog=/opt/vtorque/current/libexec/slurm/epilog
Epilog=/site/epilog
PrologFlags=DeferBatch,X11,alloc
HealthCheckInterval=60
`;
  assert.deepEqual(states(config), ['there', 'other', 'there', 'missing', 'there']);
  assert.equal(slurmSettings(config, '/opt/vtorque/current')[1]?.value, '/site/epilog');
});
