import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineOfFiles } from './install-engine.ts';

const places = { torqueHome: '/var/spool/torque', pbsConf: '/etc/pbs.conf', slurmConf: '/etc/slurm/slurm.conf' };
const engine = (...there: string[]) => engineOfFiles(places, (path) => there.includes(path));

test('the batch system is the one whose files are there', () => {
  assert.equal(engine('/var/spool/torque/mom_priv'), 'torque');
  assert.equal(engine('/var/spool/torque/mom_priv', '/var/spool/torque/server_priv'), 'torque');
  assert.equal(engine('/var/spool/torque/server_priv'), 'torque');
  assert.equal(engine('/etc/pbs.conf'), 'openpbs');
  assert.equal(engine('/etc/slurm/slurm.conf'), 'slurm');
  assert.equal(engine(), 'embedded');
});

test('where there are files of several, somebody has to say which one is meant', () => {
  assert.throws(() => engine('/var/spool/torque/mom_priv', '/etc/pbs.conf'), {
    code: 'E_ENGINE_AMBIGUOUS',
    message: /several on this machine: torque \("\/var\/spool\/torque\/mom_priv"\), openpbs \("\/etc\/pbs.conf"\)$/,
    hint: 'Say which one is used: --engine torque, or --engine openpbs',
  });
});
