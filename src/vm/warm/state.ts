import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { VtorqueError } from '../../base/index.ts';
import type { QmpClient } from '../qmp.ts';

const unlimited = 2 ** 40;

/** Have QEMU leave out of a machine's state the memory that is in a file of its own, and tell when the state is complete. */
export async function ignoreSharedMemory(qmp: QmpClient): Promise<void> {
  const capabilities = ['x-ignore-shared', 'events'].map((capability) => ({ capability, state: true }));
  await qmp.execute('migrate-set-capabilities', { capabilities });
}

/** The end of the saving or loading that is to begin. It fails if that fails. */
export async function migrationEnd(qmp: QmpClient): Promise<void> {
  const { status } = await qmp.event('MIGRATION', ({ status }) => status === 'completed' || status === 'failed');
  if (status !== 'failed') return;
  const facts = (await qmp.execute('query-migrate')) as { readonly 'error-desc'?: string };
  throw new VtorqueError('E_TEMPLATE', `Cannot use the template: ${facts['error-desc'] ?? 'QEMU does not say why'}`, {
    phase: 'vm-start',
  });
}

/**
 * Stop a machine and have the state of its devices. QEMU 7.2 has no way out for it under its sandbox but a socket with a name.
 * @param directory a directory that is open here, which gets the socket for a moment
 * @param theirs its number in the machine's process
 */
export async function saveState(qmp: QmpClient, directory: number, theirs: number): Promise<Buffer> {
  const server = createServer();
  const name = `/proc/self/fd/${directory}/state.sock`;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: name, readableAll: true, writableAll: true }, resolve);
  });
  try {
    const received = once(server, 'connection').then(([connection]) => buffer(connection as Socket));
    received.catch(() => {});
    await ignoreSharedMemory(qmp);
    await qmp.execute('migrate-set-parameters', { 'max-bandwidth': unlimited });
    await qmp.execute('stop');
    const ended = migrationEnd(qmp);
    ended.catch(() => {});
    await qmp.execute('migrate', { uri: `unix:/proc/self/fd/${theirs}/state.sock` });
    await ended;
    return await received;
  } finally {
    server.close();
    await rm(name, { force: true });
  }
}
