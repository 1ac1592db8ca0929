import { spawnBound } from '../src/process/index.ts';
import { QmpClient } from '../src/vm/qmp.ts';
import { execute } from '../test/support/cluster.ts';
import { type Measurement, measureInTurn } from './measure.ts';

/** What no implementation of ours can go below: the start of Node, and that of QEMU until it answers; of several at a time, too. */
export function measureFloor(runs: number): Promise<Measurement[]> {
  return measureInTurn(runs, {
    'node -e 0': () => execute([process.execPath, '-e', '0'], {}),
    'QEMU exec to QMP ready': qemuReady,
    '8 QEMUs at a time, exec to QMP ready': async () => {
      await Promise.all(Array.from({ length: 8 }, qemuReady));
    },
  });
}

async function qemuReady(): Promise<void> {
  const machine = 'q35,smbus=off,sata=off,usb=off,vmport=off,i8042=off';
  const qemu = await spawnBound({
    program: 'qemu-system-x86_64',
    args: [
      '-nodefaults',
      '-no-user-config',
      '-display',
      'none',
      '-S',
      '-machine',
      machine,
      '-accel',
      'tcg',
      '-m',
      '512M',
    ].concat(['-chardev', 'socket,id=qmp,fd=3', '-mon', 'chardev=qmp,mode=control']),
    env: { PATH: '/usr/bin:/bin' },
    descriptors: ['pipe'],
  });
  const [socket] = qemu.sockets;
  if (socket === undefined) throw new Error('QEMU has no QMP socket');
  await new QmpClient(socket).negotiate();
  await qemu.kill();
}
