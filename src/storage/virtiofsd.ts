import { access, rename } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { VtorqueError } from '../base/index.ts';
import { type BoundProcess, boundToUs, spawnBound } from '../process/index.ts';
import { programsDirectory } from '../site/index.ts';
import { asUserLibrary } from './native/build.ts';

/** A virtiofsd that serves one directory to the one machine that connects to `socket`. */
export interface VirtiofsServer {
  readonly socket: string;
  readonly process: BoundProcess;
  stop(): Promise<void>;
}

export interface VirtiofsOptions {
  readonly source: string;
  readonly readonly: boolean;
  /** A directory that only the user can enter. */
  readonly directory: string;
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly env: Readonly<Record<string, string>>;
}

/** QEMU 7 ships it here; Debian's later packages of the Rust virtiofsd put theirs elsewhere and take other options. */
export const virtiofsdProgram = '/usr/lib/qemu/virtiofsd';

const preload = join(programsDirectory, asUserLibrary);

/** Whether this node has all that `startVirtiofsd` starts. */
export async function virtiofsdThere(): Promise<boolean> {
  return Promise.all([virtiofsdProgram, preload].map((file) => access(file))).then(
    () => true,
    () => false,
  );
}

/** virtiofsd serves with the user's own rights, so it needs none of the capabilities that it would keep by default. */
const withoutCapabilities = 'modcaps=-chown:-dac_override:-fowner:-fsetid:-setgid:-setuid:-mknod:-setfcap';

/**
 * Start a virtiofsd as this user, in a user namespace that maps this user only.
 * It inherits the listening socket, so QEMU can connect at once and nobody waits for a file to appear.
 * @throws VtorqueError `E_SPAWN`
 */
export async function startVirtiofsd(options: VirtiofsOptions): Promise<VirtiofsServer> {
  const socket = join(options.directory, `${options.name}.sock`);
  const listening = await listen(`${socket}.new`);
  try {
    const server = await spawnBound({
      program: 'unshare',
      args: [
        ...['--user', `--map-user=${options.uid}`, `--map-group=${options.gid}`, '--keep-caps', '--mount'],
        // A new user namespace resets the parent-death signal, so it is set once more behind it.
        '--',
        ...boundToUs([
          virtiofsdProgram,
          '-f',
          '--fd=3',
          '-o',
          `source=${escapeOption(options.source)}`,
          '-o',
          'sandbox=chroot',
          '-o',
          withoutCapabilities,
        ]),
      ],
      env: { ...options.env, LD_PRELOAD: preload, ...(options.readonly ? { VTORQUE_READ_ONLY: options.source } : {}) },
      descriptors: [listening.fd],
      phase: 'storage',
    });
    // Closing our listener removes its file by name, so the file gets another name first.
    await rename(`${socket}.new`, socket).catch(async (error: unknown) => {
      await server.kill();
      throw error;
    });
    return {
      socket,
      process: server,
      stop: async () => {
        await server.kill();
      },
    };
  } finally {
    listening.server.close();
  }
}

async function listen(path: string): Promise<{ server: Server; fd: number }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  // Node has no documented way to hand a listening socket to a program that is not Node.
  const { _handle: handle } = server as Server & { _handle?: { fd: number } };
  if (handle === undefined || handle.fd < 0) {
    server.close();
    throw new VtorqueError('E_SPAWN', `Cannot share a directory: no socket at "${path}"`, { phase: 'storage' });
  }
  return { server, fd: handle.fd };
}

/** virtiofsd splits its option lists at commas, and takes a backslash as an escape. */
function escapeOption(value: string): string {
  return value.replace(/[\\,]/g, (character) => `\\${character}`);
}
