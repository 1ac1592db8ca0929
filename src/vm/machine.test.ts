import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VtorqueError } from '../base/index.ts';
import { type MachineStart, startVm } from './machine.ts';
import { aSpec } from './test-spec.ts';

const options = { readyWithinMs: 20_000, env: { PATH: '/usr/bin:/bin' } };

/** A program that answers as QEMU's monitor does until it is to let the guest run, and then does something else. */
function aQemu(then: string, run: MachineStart['run']): () => MachineStart {
  const script = `printf '{"QMP": {}}\\n' >&3; read -r command <&3; printf '{"return": {}, "id": 1}\\n' >&3; ${then}`;
  return () => ({ program: 'sh', args: ['-c', script], descriptors: [], run, wake: async () => {} });
}

test('what fails while QEMU goes on is told at once, and nothing is left of it', async () => {
  const refused = new VtorqueError('E_QMP', 'Cannot run QEMU command "cont": no');
  const start = startVm(
    aSpec(),
    options,
    aQemu('exec sleep 1000', () => Promise.reject(refused)),
  );
  await assert.rejects(start, refused);
});

test('the end of QEMU is what went wrong, not the connection that broke because of it', async () => {
  const start = startVm(
    aSpec(),
    options,
    aQemu('read -r command <&3; echo "no such disk" >&2; exit 3', async (qmp) => void (await qmp.execute('cont'))),
  );
  await assert.rejects(start, {
    code: 'E_VM_START',
    message: 'Cannot start guest "vnode1-1": QEMU ended with exit code 3',
    details: ['no such disk'],
  });
});
