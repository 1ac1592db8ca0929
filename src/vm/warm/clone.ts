import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { VtorqueError } from '../../base/index.ts';
import { qemuArguments } from '../command-line.ts';
import type { MachineStart } from '../machine.ts';
import { qemuProgram } from '../program.ts';
import type { QmpClient } from '../qmp.ts';
import { qemuDescriptors, type VmSpec } from '../spec.ts';
import { cloneLine, clonePlugs, cloneSpec, type Plug } from './line.ts';
import { ownMemory, withOwnMemory } from './own-memory.ts';
import { ignoreSharedMemory, migrationEnd } from './state.ts';
import type { OpenTemplate } from './store.ts';

/**
 * How a machine starts from a template instead of by booting.
 * Its memory is the template's, page by page its own as soon as it is written to; but where virtiofsd must see it, or the template
 * is somebody else's (QEMU 7.2 opens the file for writing although it never writes), it is a copy from the start.
 * @param template stays open until the machine runs
 */
export function cloning(spec: VmSpec, template: OpenTemplate): (firstFd: number) => MachineStart {
  const plugs = clonePlugs(spec.shares);
  const copied = plugs.length > 0 || !template.ours;
  const memory = copied ? ownMemory : { path: template.ram, share: false };
  const args = cloneLine(qemuArguments(cloneSpec(spec, template.disk), qemuDescriptors), memory);
  const plain = { program: qemuProgram, args };
  return (firstFd) => ({
    ...(copied ? withOwnMemory(plain, { bytes: spec.ram, from: template.ram, doneFd: firstFd + 1 }) : plain),
    descriptors: [template.state.fd, ...(copied ? (['pipe'] as const) : [])],
    run: async (qmp, [done]) => {
      const loaded = migrationEnd(qmp);
      loaded.catch(() => {});
      await ignoreSharedMemory(qmp);
      if (done !== undefined) await allCopied(done);
      await qmp.execute('migrate-incoming', { uri: `fd:${firstFd}` });
      await loaded;
      for (const plug of plugs) await add(qmp, plug);
      await qmp.execute('cont');
    },
    wake: async (agent) => {
      // First of all: until then it has the same random numbers before it as every other clone.
      const work = [agent.reseed(randomBytes(256)), agent.findDevices()];
      await Promise.all(work);
    },
  });
}

async function allCopied(done: Duplex): Promise<void> {
  const copied = once(done, 'data').then(() => true);
  // It ends without a byte when it cannot go on; QEMU itself does not have this descriptor.
  const ended = once(done, 'end').then(() => false);
  for (const end of [copied, ended]) end.catch(() => {});
  if (!(await Promise.race([copied, ended]))) {
    throw new VtorqueError('E_TEMPLATE', 'Cannot use the template: its memory could not be copied', {
      phase: 'vm-start',
    });
  }
}

async function add(qmp: QmpClient, { chardev, device }: Plug): Promise<void> {
  await qmp.execute('chardev-add', chardev);
  await qmp.execute('device_add', device);
}
